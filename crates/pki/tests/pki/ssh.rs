//! SSH keys as ssh-keygen sees them.

use hactl_pki::{SshKeyType, ssh_key};

use crate::support::{Bench, entropy, show};

#[test]
fn ssh_keygen_takes_both_halves() {
    for (key_type, kind) in [(SshKeyType::Ed25519, "256 SHA256:"), (SshKeyType::Rsa { bits: 2048 }, "2048 SHA256:")] {
        let Some(bench) = Bench::with(&["ssh-keygen"]) else { return };
        let key = ssh_key(key_type, "deploy@example", &mut entropy(1)).unwrap();
        bench.write("key", key.private_key.expose());
        bench.write("key.pub", &key.public_key);
        assert_eq!(bench.ok("ssh-keygen -y -f key").trim_end(), key.public_key);
        assert!(bench.ok("ssh-keygen -l -f key.pub").starts_with(kind));
        bench.write("empty", "");
        bench.ok("ssh-keygen -Y sign -f key -n file empty");
        bench.write("allowed", &format!("someone {}\n", key.public_key));
        assert!(bench.ok("ssh-keygen -Y find-principals -s empty.sig -f allowed").contains("someone"));
        bench.ok("ssh-keygen -Y check-novalidate -n file -s empty.sig");
    }
}

#[test]
fn a_key_follows_from_the_seed_and_may_have_no_comment() {
    let key = |seed| ssh_key(SshKeyType::Ed25519, "", &mut entropy(seed)).unwrap();
    assert_eq!(key(1).private_key, key(1).private_key);
    assert_ne!(key(1).public_key, key(2).public_key);
    assert_eq!(key(1).public_key.split(' ').count(), 2);
}

#[test]
fn what_is_not_made_is_explained() {
    let mut mistakes = Vec::new();
    for bits in [1024, 16384] {
        mistakes.push(ssh_key(SshKeyType::Rsa { bits }, "", &mut entropy(1)).unwrap_err());
    }
    mistakes.push(ssh_key(SshKeyType::Ed25519, "a\nssh-ed25519 AAAA", &mut entropy(1)).unwrap_err());
    insta::assert_snapshot!(show(&mistakes));
}
