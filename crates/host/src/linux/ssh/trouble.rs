//! Why ssh did not connect, from what it says on standard error.

/// Why a connection does not come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// What is wrong and what to do about it, as a clause.
    pub(crate) reason: String,
    /// Whether trying again soon may help.
    pub(crate) passing: bool,
}

/// What ssh says, what it means, and whether it may pass by itself. The first that occurs decides.
const KNOWN: &[(&str, &str, bool)] = &[
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "its host key is not the one that is known; if the machine was replaced, forget the old key with \
         `ssh-keygen -R {address}`; if not, somebody may be in between",
        false,
    ),
    (
        "requested strict checking",
        "its host key is not known; log in once with `ssh {address}` and compare the key, or set \
         `ssh: {hostKeys: acceptNew}`",
        false,
    ),
    ("Host key verification failed", "its host key could not be verified; log in once with `ssh {address}`", false),
    (
        "UNPROTECTED PRIVATE KEY FILE",
        "the private key is readable by others, so ssh does not use it; `chmod 600` the key file",
        false,
    ),
    (
        "Too many authentication failures",
        "the agent offers more keys than the host takes tries; name the right one with `ssh: {keyPath: …}`",
        false,
    ),
    (
        "Permission denied",
        "it does not let this user in with this key: {line}; check `ssh.user` and `ssh.keyPath`, or load the key into \
         the agent with `ssh-add`",
        false,
    ),
    ("Could not resolve hostname", "its name is not known: {line}; check the node's address", false),
    ("stdio forwarding failed", "the bastion cannot reach it: {line}; check the node's address", false),
    ("Connection refused", "nothing answers at its SSH port: {line}", true),
    ("No route to host", "there is no way to it: {line}", false),
    ("Network is unreachable", "there is no way to it: {line}", false),
    ("timed out", "it does not answer: {line}", false),
    ("Bad configuration option", "the ssh configuration is not valid: {line}", false),
    ("Connection closed", "it closed the connection: {line}", true),
    ("Connection reset", "it closed the connection: {line}", true),
    ("kex_exchange_identification", "it closed the connection: {line}", true),
];

/// What `stderr` tells of a connection to `address` that did not come about.
pub(crate) fn trouble(address: &str, stderr: &str) -> Trouble {
    for (words, meaning, passing) in KNOWN {
        if let Some(line) = stderr.lines().find(|line| line.contains(words)) {
            let line = line.trim().trim_start_matches("ssh: ").trim_end_matches('.');
            let reason = meaning.replace("{line}", line).replace("{address}", address);
            return Trouble { reason, passing: *passing };
        }
    }
    let last = stderr.lines().rev().map(str::trim).find(|line| !line.is_empty());
    Trouble { reason: format!("ssh ended: {}", last.unwrap_or("it did not say why")), passing: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_tells_what_to_do() {
        let said = [
            "@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.",
            "No ED25519 host key is known for 10.0.0.1 and you have requested strict checking.\r\nHost key verification failed.",
            "ops@10.0.0.1: Permission denied (publickey,password).",
            "ssh: Could not resolve hostname nowhere: Name or service not known",
            "ssh: connect to host 10.0.0.1 port 22: Connection refused",
            "ssh: connect to host 10.0.0.1 port 22: Connection timed out",
            "channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed\nConnection closed by UNKNOWN port 65535",
            "kex_exchange_identification: read: Connection reset by peer",
            "This account is currently not available.",
            "",
        ];
        let told: Vec<String> = said.iter().map(|text| format!("{:?}", trouble("10.0.0.1", text))).collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}
