//! Texts with a form of their own inside specs: durations, sizes, modes, paths, ports, mounts.

pub use hactl_core::duration::parse as duration;
use hactl_host::{Mount, MountKind, PortBinding};

/// What the schemas of specs name under `format`.
pub(crate) const FORMATS: hactl_config::Formats = &[
    ("duration", |text| duration(text).map(drop)),
    ("size", |text| size(text).map(drop)),
    ("mode", |text| mode(text).map(drop)),
    ("absolute-path", |text| absolute_path(text)),
    ("port", |text| port(text).map(drop)),
    ("mount", |text| mount(text).map(drop)),
    ("restart", |text| restart(text).map(drop)),
    ("image", |text| image(text)),
    ("name", |text| name(text)),
    ("max-unavailable", |text| percent(text).map(drop)),
    ("ip", ip),
    ("host-name", host_name),
    ("ingress-host", |text| host_name(text.strip_prefix("*.").unwrap_or(text))),
    ("object-name", object_name),
    (
        "url-path",
        |text| if text.starts_with('/') { Ok(()) } else { Err(format!("`{text}` is no path; it starts with /")) },
    ),
];

/// An IP address.
pub(crate) fn ip(text: &str) -> Result<(), String> {
    text.parse::<std::net::IpAddr>().map(drop).map_err(|_| {
        format!(
            "`{text}` is not an IP address; write one like 10.0.0.5 or 2001:db8::5, without a port or a prefix length"
        )
    })
}

/// A host name: a subdomain of RFC 1123, in lower case as Kubernetes has it.
pub(crate) fn host_name(text: &str) -> Result<(), String> {
    if is_subdomain(text) && text.parse::<std::net::IpAddr>().is_err() {
        return Ok(());
    }
    Err(format!("`{text}` is not a host name; it has parts of small letters, digits and `-`, with dots between them"))
}

/// The name of most objects: a subdomain of RFC 1123.
pub(crate) fn object_name(text: &str) -> Result<(), String> {
    if is_subdomain(text) {
        return Ok(());
    }
    Err(format!("`{text}` cannot be the name of an object; it has small letters, digits, `-` and `.`"))
}

/// Whether a text is a subdomain of RFC 1123: at most 253 characters, in parts of at most 63.
pub(crate) fn is_subdomain(text: &str) -> bool {
    !text.is_empty() && text.len() <= 253 && text.split('.').all(is_label)
}

/// Whether a text is a label of RFC 1123: small letters, digits and, inside, `-`; at most 63.
pub(crate) fn is_label(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= 63 && text.bytes().all(inside) && !text.starts_with('-') && !text.ends_with('-')
}

/// Whole seconds as [`duration`] reads them, in the largest units: `365d`, `1h30m`.
pub(crate) fn duration_text(seconds: i64) -> String {
    let mut text = String::new();
    let mut rest = seconds;
    for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
        if rest >= length || (unit == "s" && text.is_empty()) {
            text.push_str(&format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    text
}

/// A size in bytes: a whole number with `b`, `k`, `m`, `g` or `t` (powers of 1024, as Docker has them), or none for bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let expected = || format!("`{text}` is not a size; write one like 512m or 2g");
    let lower = text.to_ascii_lowercase();
    let digits = lower.find(|c: char| !c.is_ascii_digit()).unwrap_or(lower.len());
    let (number, unit) = lower.split_at(digits);
    let number: u64 = number.parse().map_err(|_| expected())?;
    let shift = match unit {
        "" | "b" => 0,
        "k" | "kb" | "ki" | "kib" => 10,
        "m" | "mb" | "mi" | "mib" => 20,
        "g" | "gb" | "gi" | "gib" => 30,
        "t" | "tb" | "ti" | "tib" => 40,
        _ => return Err(expected()),
    };
    number.checked_mul(1 << shift).ok_or_else(expected)
}

/// Permission bits in octal; returned with four digits.
pub(crate) fn mode(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let fits = matches!(digits.len(), 3 | 4) && digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    if fits {
        Ok(format!("{digits:0>4}"))
    } else {
        Err(format!("`{text}` is not a file mode; write octal digits in quotes, like \"0644\""))
    }
}

/// An absolute path without `.` or `..` parts.
pub(crate) fn absolute_path(text: &str) -> Result<(), String> {
    if !text.starts_with('/') {
        return Err(format!("`{text}` is not an absolute path; it starts with /"));
    }
    if text.len() > 1 && text.ends_with('/') {
        return Err(format!("`{text}` names a directory; write the path without the last /"));
    }
    if text.split('/').skip(1).any(|part| matches!(part, "" | "." | "..")) || text.contains('\0') {
        return Err(format!("`{text}` is not a plain path; leave out empty, `.` and `..` parts"));
    }
    Ok(())
}

/// A published port, `[IP:]HOST:CONTAINER[/PROTOCOL]`, as Docker and Compose write it.
pub fn port(text: &str) -> Result<PortBinding, String> {
    let expected = || {
        format!("`{text}` is not a published port; write HOST:CONTAINER, like \"8080:80\" or \"127.0.0.1:53:53/udp\"")
    };
    let (path, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    if !matches!(protocol, "tcp" | "udp" | "sctp") {
        return Err(expected());
    }
    let (rest, container) = path.rsplit_once(':').ok_or_else(expected)?;
    let (ip, host) = match rest.rsplit_once(':') {
        Some((ip, host)) => (Some(ip.trim_start_matches('[').trim_end_matches(']')), host),
        None => (None, rest),
    };
    if let Some(ip) = ip {
        ip.parse::<std::net::IpAddr>().map_err(|_| expected())?;
    }
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(expected);
    Ok(PortBinding {
        ip: ip.map(str::to_owned),
        host: number(host)?,
        container: number(container)?,
        protocol: protocol.to_owned(),
    })
}

/// A published port in its one canonical form.
pub(crate) fn port_text(port: &PortBinding) -> String {
    let ip = match &port.ip {
        Some(ip) if ip.contains(':') => format!("[{ip}]:"),
        Some(ip) => format!("{ip}:"),
        None => String::new(),
    };
    let protocol = if port.protocol == "tcp" { String::new() } else { format!("/{}", port.protocol) };
    format!("{ip}{}:{}{protocol}", port.host, port.container)
}

/// A mount, `SOURCE:TARGET[:OPTIONS]`: an absolute source is a path on the host, any other a named volume.
pub(crate) fn mount(text: &str) -> Result<Mount, String> {
    let expected = || {
        format!(
            "`{text}` is not a mount; write SOURCE:TARGET[:ro], like \"/srv/www:/www:ro\" or \"data:/var/lib/data\""
        )
    };
    let mut parts = text.split(':');
    let (Some(source), Some(target)) = (parts.next(), parts.next()) else {
        return Err(expected());
    };
    let options = parts.next().unwrap_or_default();
    if parts.next().is_some() || source.is_empty() || !target.starts_with('/') {
        return Err(expected());
    }
    let kind = if source.starts_with('/') { MountKind::Bind } else { MountKind::Volume };
    if kind == MountKind::Volume {
        name(source).map_err(|_| expected())?;
    }
    let mut read_only = false;
    let mut others = Vec::new();
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => read_only = true,
            "rw" => {}
            "z" | "Z" | "shared" | "rshared" | "slave" | "rslave" | "private" | "rprivate" | "nocopy" => {
                others.push(option.to_owned());
            }
            _ => {
                return Err(format!(
                    "`{option}` is not an option of a mount; there are ro, rw, z, Z, shared, slave, private and their r… forms"
                ));
            }
        }
    }
    others.sort();
    Ok(Mount { kind, source: source.to_owned(), target: target.to_owned(), read_only, options: others })
}

/// A mount in its one canonical form.
pub(crate) fn mount_text(mount: &Mount) -> String {
    let mut options: Vec<&str> = mount.options.iter().map(String::as_str).collect();
    if mount.read_only {
        options.insert(0, "ro");
    }
    let colon = if options.is_empty() { "" } else { ":" };
    format!("{}:{}{colon}{}", mount.source, mount.target, options.join(","))
}

/// A restart policy: `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`.
pub(crate) fn restart(text: &str) -> Result<hactl_host::RestartPolicy, String> {
    let expected = || {
        format!("`{text}` is not a restart policy; there are no, always, unless-stopped, on-failure and on-failure:N")
    };
    let (name, retries) = match text.split_once(':') {
        Some(("on-failure", retries)) => ("on-failure", retries.parse().map_err(|_| expected())?),
        Some(_) => return Err(expected()),
        None => (text, 0),
    };
    if !matches!(name, "no" | "always" | "unless-stopped" | "on-failure") {
        return Err(expected());
    }
    Ok(hactl_host::RestartPolicy { name: name.to_owned(), retries })
}

/// A restart policy in its one canonical form.
pub(crate) fn restart_text(policy: &hactl_host::RestartPolicy) -> String {
    match (policy.name.as_str(), policy.retries) {
        ("", _) => "no".to_owned(),
        ("on-failure", retries) if retries > 0 => format!("on-failure:{retries}"),
        (name, _) => name.to_owned(),
    }
}

/// An image reference: `[registry[:port]/]name[:tag][@digest]`.
fn image(text: &str) -> Result<(), String> {
    let path = text.split('@').next().unwrap_or_default();
    let fits = !path.is_empty()
        && !path.starts_with(['/', ':'])
        && !path.ends_with(['/', ':'])
        && !text.contains(char::is_whitespace)
        && text.matches('@').count() <= 1
        && text.split_once('@').is_none_or(|(_, digest)| digest.starts_with("sha256:") && digest.len() == 71);
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let lower = name.split(':').next().unwrap_or_default();
    if fits && lower.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)) {
        Ok(())
    } else {
        Err(format!("`{text}` is not an image; write one like nginx:1.25 or registry.example.com/web:1.4"))
    }
}

/// A container's, network's or volume's name, by Docker's rule.
pub(crate) fn name(text: &str) -> Result<(), String> {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if first
        && (2..=128).contains(&text.len())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    {
        Ok(())
    } else {
        Err(format!(
            "`{text}` is not a name Docker takes; it has at least two characters, starts with a letter or digit and holds \
             letters, digits, `_`, `.`, `-`"
        ))
    }
}

/// A share, `25%`.
pub(crate) fn percent(text: &str) -> Result<u32, String> {
    text.strip_suffix('%')
        .and_then(|number| number.parse().ok())
        .filter(|percent| (1..=100).contains(percent))
        .ok_or_else(|| format!("`{text}` is neither a number of instances nor a share like 25%"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn durations_and_sizes() {
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for text in ["365d", "1d1h", "1h30m", "90m", "59s", "0s"] {
            let seconds = i64::try_from(duration(text).unwrap().as_secs()).unwrap();
            assert_eq!(duration(&duration_text(seconds)).unwrap().as_secs(), seconds as u64);
        }
        assert_eq!([duration_text(90 * 60), duration_text(0)], ["1h30m", "0s"]);
        for text in ["", "5", "s", "5 s", "-1s", "1y", "99999999999999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(size("512m"), Ok(512 << 20));
        assert_eq!(size("7"), Ok(7));
        for text in ["", "m", "1x", "1.5g", "99999999999t"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn canonical_forms() {
        for (text, canonical) in
            [("8080:80", "8080:80"), ("8080:80/tcp", "8080:80"), ("[::1]:53:53/udp", "[::1]:53:53/udp")]
        {
            assert_eq!(port_text(&port(text).unwrap()), canonical);
        }
        for (text, canonical) in [("ab:/b", "ab:/b"), ("/a:/b:rw", "/a:/b"), ("/a:/b:z,ro", "/a:/b:ro,z")] {
            assert_eq!(mount_text(&mount(text).unwrap()), canonical);
        }
        for text in ["80", "0:80", "70000:80", "a:b", "80:80/icmp", "1.2.3:80:80"] {
            assert!(port(text).is_err(), "{text}");
        }
        for text in ["/a", "ab:b", "a:/b", "/a:/b:x", "/a:/b:ro:rw", ":/b"] {
            assert!(mount(text).is_err(), "{text}");
        }
        assert_eq!(mode("644"), Ok("0644".to_owned()));
        assert!(mode("0888").is_err() && mode("rw-r--r--").is_err());
    }

    #[test]
    fn images_and_paths() {
        for text in [
            "nginx",
            "nginx:1.25",
            "localhost:5000/web:1",
            "a/b/c",
            "library/x@sha256:0123456789012345678901234567890123456789012345678901234567890123",
        ] {
            assert!(image(text).is_ok(), "{text}");
        }
        for text in ["", "Nginx", "a b", "nginx:", "a@sha256:1", "/a"] {
            assert!(image(text).is_err(), "{text}");
        }
        for text in ["", "a", "/a/", "/a//b", "/a/../b"] {
            assert!(absolute_path(text).is_err(), "{text}");
        }
    }
}
