//! PEM blocks (RFC 7468) out of files as people have them: with text before them, other line ends, or not PEM at all.

mod foreign;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_cert::der::pem::{LineEnding, encode_string};
use zeroize::Zeroizing;

use crate::Mistake;

/// One `-----BEGIN …-----` block.
pub(crate) struct Block {
    /// What the block says it is: `CERTIFICATE`, `RSA PRIVATE KEY`.
    pub(crate) label: String,
    /// The bytes in it.
    pub(crate) der: Zeroizing<Vec<u8>>,
    /// The line of its BEGIN, from 1.
    pub(crate) line: usize,
    /// Whether its headers say that it is encrypted (`Proc-Type: 4,ENCRYPTED`, RFC 1421).
    pub(crate) is_encrypted: bool,
}

/// All blocks of a file in order. `what` names the file in mistakes: `the certificate`.
pub(crate) fn blocks(text: &[u8], what: &str) -> Result<Vec<Block>, Mistake> {
    let mut blocks = Vec::new();
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).zip(1..);
    while let Some((line, number)) = lines.next() {
        let Some(label) = label(line, "BEGIN") else { continue };
        blocks.push(block(label, number, &mut lines, what)?);
    }
    if blocks.is_empty() { Err(foreign::explain(text, what)) } else { Ok(blocks) }
}

/// Writes a block with lines of 64 characters and Unix line ends.
pub(crate) fn encode(label: &str, der: &[u8]) -> Result<String, Mistake> {
    encode_string(label, LineEnding::LF, der)
        .map_err(|error| Mistake::new(format!("a {label} cannot be written as PEM: {error}"), "Please report this."))
}

fn block<'a>(
    label: String,
    begin: usize,
    lines: &mut impl Iterator<Item = (&'a [u8], usize)>,
    what: &str,
) -> Result<Block, Mistake> {
    let mut base64 = Zeroizing::new(Vec::new());
    let mut is_encrypted = false;
    for (line, number) in lines {
        if self::label(line, "END").is_some_and(|end| end == label) {
            let der =
                STANDARD.decode(&*base64).map(Zeroizing::new).map_err(|_| damaged(what, &label, begin, number))?;
            return Ok(Block { label, der, line: begin, is_encrypted });
        }
        if line.contains(&b':') {
            is_encrypted |= line.starts_with(b"Proc-Type") && line.ends_with(b"ENCRYPTED");
            is_encrypted |= line.starts_with(b"DEK-Info");
        } else if line.starts_with(b"-") {
            return Err(damaged(what, &label, begin, number));
        } else {
            base64.extend_from_slice(line);
        }
    }
    Err(Mistake::new(
        format!("{what}: the {label} that begins at line {begin} has no end"),
        format!("The line `-----END {label}-----` is missing: the file was cut off, copy it again as a whole."),
    ))
}

fn damaged(what: &str, label: &str, begin: usize, end: usize) -> Mistake {
    Mistake::new(
        format!("{what}: the {label} from line {begin} to line {end} is damaged"),
        "Between its BEGIN and END lines there is something that is not base64, or part of it is missing: \
         copy the file again as a whole.",
    )
}

/// `LABEL` of a line `-----BEGIN LABEL-----`. A byte order mark before it does no harm.
fn label(line: &[u8], edge: &str) -> Option<String> {
    let line = std::str::from_utf8(line).ok()?.trim_start_matches('\u{feff}');
    let label = line.strip_prefix("-----")?.strip_prefix(edge)?.strip_prefix(' ')?.strip_suffix("-----")?;
    (!label.contains("-----")).then(|| label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(text: &[u8]) -> String {
        let mistake = blocks(text, "the certificate").err().unwrap();
        format!("{}\n{}", mistake.summary, mistake.help)
    }

    #[test]
    fn blocks_are_found_among_other_text() {
        let text = "\u{feff}-----BEGIN A-----\r\nAAEC\r\nAw==\r\n-----END A-----\r\nSubject: x\n    Version: 3\n\
                    -----BEGIN B C-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nBAUG\n-----END B C-----\n\n";
        let found: Vec<_> = blocks(text.as_bytes(), "it")
            .unwrap()
            .into_iter()
            .map(|block| (block.label, block.der.to_vec(), block.line, block.is_encrypted))
            .collect();
        assert_eq!(found, [("A".to_owned(), vec![0, 1, 2, 3], 1, false), ("B C".to_owned(), vec![4, 5, 6], 7, true)]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = encode("CERTIFICATE", &[7; 100]).unwrap();
        assert!(text.lines().all(|line| line.len() <= 64) && text.ends_with("-----END CERTIFICATE-----\n"), "{text}");
        assert_eq!(*blocks(text.as_bytes(), "it").unwrap()[0].der, vec![7; 100]);
    }

    #[test]
    fn a_damaged_block_is_told_with_its_lines() {
        insta::assert_snapshot!(mistake(b"\n-----BEGIN CERTIFICATE-----\nAAEC\n"), @r"
        the certificate: the CERTIFICATE that begins at line 2 has no end
        The line `-----END CERTIFICATE-----` is missing: the file was cut off, copy it again as a whole.
        ");
        insta::assert_snapshot!(mistake(b"-----BEGIN CERTIFICATE-----\nA%EC\n-----END CERTIFICATE-----"), @r"
        the certificate: the CERTIFICATE from line 1 to line 3 is damaged
        Between its BEGIN and END lines there is something that is not base64, or part of it is missing: copy the file again as a whole.
        ");
        insta::assert_snapshot!(mistake(b"-----BEGIN CERTIFICATE-----\nAAEC\n-----BEGIN CERTIFICATE-----\nAAEC"), @r"
        the certificate: the CERTIFICATE from line 1 to line 3 is damaged
        Between its BEGIN and END lines there is something that is not base64, or part of it is missing: copy the file again as a whole.
        ");
    }
}
