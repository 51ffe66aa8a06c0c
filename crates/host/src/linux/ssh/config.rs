//! The client configuration of one node: what the stack's config says comes first, then the user's own.
//!
//! It is a file and not a row of `-o` options because only a file holds for jump hosts as well.

use hactl_core::node::{Connection, HostKeys};

/// How long one try to connect may take, in seconds.
pub(crate) const CONNECT_TIMEOUT: u64 = 10;

/// The same for jump hosts: less, so that it is told which of the two does not answer.
const JUMP_TIMEOUT: u64 = 8;

/// The text of the configuration file; `user_config` is read in place of the user's own and the system's.
///
/// # Errors
/// When a value cannot be written into such a file.
pub(crate) fn text(connection: &Connection, user_config: Option<&str>) -> Result<String, String> {
    let address = quoted(&connection.address)?;
    if address.contains(['*', '?', '!', ',']) {
        return Err(format!("{address:?} is a pattern, no address"));
    }
    let mut text = format!("Host {address}\n    ConnectTimeout {CONNECT_TIMEOUT}\n");
    if let Some(user) = &connection.user {
        text += &format!("    User {}\n", quoted(user)?);
    }
    if let Some(port) = connection.port {
        text += &format!("    Port {port}\n");
    }
    if let Some(key) = &connection.key_path {
        text += &format!("    IdentityFile {}\n    IdentitiesOnly yes\n", quoted(key)?);
    }
    if let Some(bastion) = &connection.bastion {
        text += &format!("    ProxyJump {}\n", quoted(bastion)?);
        if let Some(key) = &connection.key_path {
            text += &format!("Host {}\n    IdentityFile {}\n", quoted(host_of(bastion))?, quoted(key)?);
        }
    }
    let check = match connection.host_keys {
        HostKeys::Strict => "yes",
        HostKeys::AcceptNew => "accept-new",
    };
    text += &format!(
        "Host *\n    StrictHostKeyChecking {check}\n    BatchMode yes\n    ConnectTimeout {JUMP_TIMEOUT}\n    \
         ServerAliveInterval 5\n    ServerAliveCountMax 3\n    LogLevel INFO\n    RemoteCommand none\n    \
         PermitLocalCommand no\n    ForwardAgent no\n    ForwardX11 no\n"
    );
    match user_config {
        Some(path) => text += &format!("    Include {}\n", quoted(path)?),
        None => text += "    Include ~/.ssh/config\n    Include /etc/ssh/ssh_config\n",
    }
    Ok(text)
}

/// The host of `[user@]host[:port]`.
fn host_of(bastion: &str) -> &str {
    let host = bastion.rsplit_once('@').map_or(bastion, |(_, host)| host);
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(host, _)| host),
    }
}

fn quoted(value: &str) -> Result<String, String> {
    if value.is_empty() || value.starts_with('-') || value.contains(|char: char| char.is_control() || char == '"') {
        return Err(format!("{value:?} cannot be given to ssh"));
    }
    Ok(if value.contains(|char: char| char.is_whitespace() || "'#".contains(char)) {
        format!("\"{value}\"")
    } else {
        value.to_owned()
    })
}

#[cfg(test)]
mod tests {
    use hactl_core::node::Method;

    use super::*;

    fn connection() -> Connection {
        Connection {
            method: Method::Ssh,
            address: "10.0.0.11".into(),
            user: Some("ops".into()),
            port: Some(2222),
            key_path: Some("/home/me/my keys/id".into()),
            bastion: Some("jump@bastion.example.com:22".into()),
            host_keys: HostKeys::AcceptNew,
            docker_socket: None,
        }
    }

    #[test]
    fn the_stack_s_config_comes_before_the_user_s() {
        insta::assert_snapshot!(text(&connection(), None).unwrap());
    }

    #[test]
    fn whatever_is_left_out_is_the_user_s() {
        let bare = Connection {
            user: None,
            port: None,
            key_path: None,
            bastion: None,
            host_keys: HostKeys::Strict,
            ..connection()
        };
        insta::assert_snapshot!(text(&bare, Some("/tmp/config")).unwrap());
    }

    #[test]
    fn nothing_slips_in_by_a_value() {
        for address in ["10.0.0.*", "-oProxyCommand=reboot", "a\nProxyCommand reboot", "a\" b", ""] {
            assert!(text(&Connection { address: address.into(), ..connection() }, None).is_err(), "{address:?}");
        }
    }

    #[test]
    fn what_ssh_would_read_as_its_own_is_quoted() {
        for value in ["/home/o'brien/id", "/home/me/my keys/id", "/keys/#1"] {
            assert_eq!(quoted(value).unwrap(), format!("\"{value}\""));
        }
        assert_eq!(quoted("/home/me/id").unwrap(), "/home/me/id");
    }

    #[test]
    fn a_bastion_s_host_is_found() {
        for bastion in ["b", "me@b", "b:22", "me@b:22"] {
            assert_eq!(host_of(bastion), "b");
        }
        assert_eq!(host_of("me@[fe80::1]:22"), "fe80::1");
    }
}
