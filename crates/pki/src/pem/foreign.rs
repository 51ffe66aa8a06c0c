//! What a file without a PEM block probably is, and how to make PEM of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Mistake;

/// Explains a file without any PEM block. Nothing of its content is repeated.
pub(super) fn explain(text: &[u8], what: &str) -> Mistake {
    let (looks, help) = guess(text);
    Mistake::new(format!("{what} is not PEM: it {looks}"), help)
}

fn guess(text: &[u8]) -> (&'static str, String) {
    let trimmed = text.trim_ascii();
    if trimmed.is_empty() {
        return ("is empty", "Name the file or value that holds the `-----BEGIN …-----` block.".to_owned());
    }
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = text {
        return ("is UTF-16 text", "Save it as UTF-8, for instance by `iconv -f UTF-16 -t UTF-8`.".to_owned());
    }
    if trimmed.windows(11).any(|window| window == b"-----BEGIN ") {
        return (
            "has lost its line ends",
            "BEGIN line, content and END line must each be on lines of their own; in YAML write it as a block (`|`)."
                .to_owned(),
        );
    }
    if trimmed.starts_with(b"PuTTY-User-Key-File") {
        return ("looks like a PuTTY key", "Convert it by `puttygen KEY.ppk -O private-openssh`.".to_owned());
    }
    if trimmed.starts_with(b"ssh-") || trimmed.starts_with(b"ecdsa-sha2-") {
        return ("looks like an SSH public key", "TLS takes X.509 certificates and their keys.".to_owned());
    }
    if let [0xfe, 0xed, 0xfe, 0xed, ..] = text {
        return (
            "looks like a Java key store",
            "Convert it by `keytool -importkeystore -srckeystore FILE -destkeystore FILE.p12 -deststoretype PKCS12`, \
             then by `openssl pkcs12 -in FILE.p12 -nodes`."
                .to_owned(),
        );
    }
    if let Some(guess) = der(text) {
        return guess;
    }
    let base64: Vec<u8> = trimmed.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if let Ok(decoded) = STANDARD.decode(base64) {
        if decoded.starts_with(b"-----BEGIN ") {
            return ("is base64 of PEM", "Decode it first, by `base64decode(…)` or `base64 -d`.".to_owned());
        }
        if der(&decoded).is_some() {
            return (
                "is base64 without BEGIN and END lines",
                "Put `-----BEGIN CERTIFICATE-----` and `-----END CERTIFICATE-----` around it (or those of a key)."
                    .to_owned(),
            );
        }
    }
    ("has no line `-----BEGIN …-----`", "Is it the right file?".to_owned())
}

/// Tells the binary formats apart by how their outer SEQUENCE begins.
fn der(bytes: &[u8]) -> Option<(&'static str, String)> {
    let content = sequence(bytes)?;
    match content {
        // PFX ::= SEQUENCE { version INTEGER (3), authSafe … } (RFC 7292).
        [0x02, 0x01, 0x03, 0x30, ..] => Some((
            "looks like PKCS#12 (.p12, .pfx)",
            "Convert it: the certificates by `openssl pkcs12 -in FILE -nokeys -out FILE.crt`, \
             the key by `openssl pkcs12 -in FILE -nocerts -nodes -out FILE.key`."
                .to_owned(),
        )),
        [0x02, 0x01, 0x00 | 0x01, ..] => Some((
            "looks like a private key in DER",
            "Convert it by `openssl pkey -in FILE -inform DER -out FILE.pem`.".to_owned(),
        )),
        // ContentInfo of signed data (RFC 2315), 1.2.840.113549.1.7.2.
        [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02, ..] => Some((
            "looks like PKCS#7 in DER (.p7b)",
            "Convert it by `openssl pkcs7 -in FILE -inform DER -print_certs -out FILE.pem`.".to_owned(),
        )),
        // EncryptedPrivateKeyInfo (RFC 5958), 1.2.840.113549.1.5.
        [0x30, _, 0x06, _, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, ..] => Some((
            "looks like an encrypted private key in DER",
            "Decrypt it by `openssl pkey -in FILE -inform DER -out FILE.pem`.".to_owned(),
        )),
        [0x30, ..] if sequence(content).is_some_and(|inner| inner.starts_with(&[0x02, 0x01, 0x00, 0x30])) => Some((
            "looks like a certificate signing request in DER",
            "Send it to the CA; the answer is the certificate that belongs here.".to_owned(),
        )),
        [0x30, ..] => Some((
            "looks like a certificate in DER",
            "Convert it by `openssl x509 -in FILE -inform DER -out FILE.pem`.".to_owned(),
        )),
        _ => None,
    }
}

/// The content of a DER SEQUENCE, or of what is there of it.
fn sequence(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0x30, short, content @ ..] if *short < 0x80 => Some(content),
        // Written without a length in advance (BER), as some key stores do.
        [0x30, 0x80, content @ ..] => Some(content),
        [0x30, 0x81, _, content @ ..] | [0x30, 0x82, _, _, content @ ..] | [0x30, 0x83, _, _, _, content @ ..] => {
            Some(content)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(text: &[u8]) -> String {
        explain(text, "the certificate").summary
    }

    #[test]
    fn formats_are_told_apart() {
        insta::assert_snapshot!(summary(b" \n"), @"the certificate is not PEM: it is empty");
        insta::assert_snapshot!(summary(b"\xff\xfe-\0-\0"), @"the certificate is not PEM: it is UTF-16 text");
        insta::assert_snapshot!(summary(b"-----BEGIN CERTIFICATE----- AAEC -----END CERTIFICATE-----"), @"the certificate is not PEM: it has lost its line ends");
        insta::assert_snapshot!(summary(b"-----BEGIN CERTIFICATE-----\\nAAEC\\n-----END CERTIFICATE-----\\n"), @"the certificate is not PEM: it has lost its line ends");
        insta::assert_snapshot!(summary(b"PuTTY-User-Key-File-3: ssh-ed25519"), @"the certificate is not PEM: it looks like a PuTTY key");
        insta::assert_snapshot!(summary(b"ssh-ed25519 AAAA"), @"the certificate is not PEM: it looks like an SSH public key");
        insta::assert_snapshot!(summary(b"\xfe\xed\xfe\xed\0"), @"the certificate is not PEM: it looks like a Java key store");
        insta::assert_snapshot!(summary(STANDARD.encode("-----BEGIN CERTIFICATE-----\n").as_bytes()), @"the certificate is not PEM: it is base64 of PEM");
        insta::assert_snapshot!(summary(b"hello"), @"the certificate is not PEM: it has no line `-----BEGIN …-----`");
    }
}
