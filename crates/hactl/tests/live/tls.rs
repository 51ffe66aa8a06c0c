//! Certificates that hactl makes and delivers, before servers and clients that were not written for it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::client::{Client, Persistent};
use crate::host::{Host, LB1, NODE1, NODE2, NODE3, REGISTRY, poll};
use crate::processes::LIMIT;
use crate::stack::Stack;
use crate::suite::{Case, cases};
use crate::witness::{CommandLines, Keys};

pub(crate) const CASES: &[Case] = cases![
    rotation_refuses_nobody_and_shows_no_key on NODE1 NODE2 NODE3 LB1,
    openssl_nginx_and_curl_take_every_type_of_key on NODE3,
    a_certificate_made_elsewhere on LB1,
];

/// The name that all certificates here are for.
const NAME: &str = "www.example.com";

/// Three servers with one certificate, and a file that tells clients on a fourth host whom to trust.
fn servers() -> String {
    format!(
        "secrets:
  site-ca: {{generate: {{certificateAuthority: {{commonName: Site CA, organisation: Example}}}}}}
  site-tls: {{generate: {{certificate: {{issuer: site-ca, dnsNames: [{NAME}]}}}}}}
files:
  trust: {{nodes: [lb1], path: /srv/live/trust/ca.pem, content: \"${{secret.site-ca.certificate}}\", mode: \"0644\"}}
  key: {{nodes: &servers [node1, node2, node3], path: /run/live/tls/key.pem, content: \"${{secret.site-tls.privateKey}}\", tmpfs: true}}
  chain: {{nodes: *servers, path: /srv/live/tls/chain.pem, content: \"${{secret.site-tls.chain}}\"}}
  config:
    nodes: *servers
    path: /srv/live/nginx.conf
    content: \"{}\"
containers:
  web:
    nodes: *servers
    image: {REGISTRY}/library/nginx:1.25
    ports: [\"8443:443\"]
    volumes: [\"${{file.config.path}}:/etc/nginx/nginx.conf:ro\", \"${{file.chain.directory}}:/etc/chain:ro\", \"${{file.key.directory}}:/etc/key:ro\"]
    health: {{tcp: {{port: 8443}}, timeout: 30s}}
    onFileChange: {{reload: {{exec: [nginx, -s, reload]}}}}
",
        nginx(&[(443, "/etc/chain/chain.pem", "/etc/key/key.pem")])
    )
}

/// The configuration of a server with TLS on some ports, each with a chain and a key; as it stands between quotes.
fn nginx(ports: &[(u16, &str, &str)]) -> String {
    let servers: String = ports
        .iter()
        .map(|(port, chain, key)| {
            format!(
                "server {{ listen {port} ssl; ssl_certificate {chain}; ssl_certificate_key {key}; \
                 location / {{ return 200; }} }}\\n"
            )
        })
        .collect();
    format!("events {{}}\\nhttp {{\\naccess_log off; ssl_protocols TLSv1.2 TLSv1.3;\\n{servers}}}\\n")
}

fn rotation_refuses_nobody_and_shows_no_key() {
    const TRUST: &str = "/srv/live/trust/ca.pem";
    let nodes = [NODE1, NODE2, NODE3];
    let addresses = nodes.map(|node| SocketAddr::new(node.address.parse().unwrap(), 8443));
    let trusted = || LB1.sh(&format!("cat {TRUST}"));
    let mut keys = Keys::default();
    NODE1.sh("echo 'Defaults logfile=/var/log/sudo.log' >/etc/sudoers.d/live-log");
    let processes = CommandLines::watch();
    nodes.into_iter().for_each(clear);
    let stack = Stack::on(&[NODE1, NODE2, NODE3, LB1], &servers());
    stack.converges();
    add_keys(&stack, &mut keys);
    for node in nodes {
        assert_eq!(
            node.sh("stat -c '%a %U:%G' /run/live/tls/key.pem /srv/live/tls/chain.pem"),
            "600 ops:ops\n600 ops:ops"
        );
        assert_eq!(node.sh("stat -f -c %T /run/live/tls/key.pem"), "tmpfs");
        assert!(keys.are_in(node.sh("cat /run/live/tls/key.pem").as_bytes()), "a key is not known where it is");
    }

    // A certificate and its key are changed below a client that connects all the time.
    let old_root = trusted();
    let old_only = Persistent::start("trusts the old CA", &Client::trusting(&old_root, NAME), &addresses);
    let updated = Persistent::start_on(LB1, TRUST, NAME, &addresses);
    old_only.goes_on(50);
    updated.goes_on(5);
    let (shown, workers) = (addresses.map(fingerprint), nodes.map(workers));
    let told = stack.succeed("secret rotate --auto-approve site-tls");
    told.says(&["one at a time: node1, node2, node3", "reload"]);
    are_reloaded(nodes, &workers);
    old_only.goes_on(50);
    assert!(addresses.map(fingerprint).iter().zip(&shown).all(|(now, before)| now != before), "it is the old one");
    add_keys(&stack, &mut keys);

    // Then the authority, who is known by a file that hactl delivers as well.
    let workers = nodes.map(self::workers);
    let told = stack.succeed("secret rotate --auto-approve site-ca");
    told.says(&["file.trust on lb1", "file.chain on node1, node2, node3"]);
    are_reloaded(nodes, &workers);
    add_keys(&stack, &mut keys);
    let bundle = trusted();
    let (new_root, rest) = bundle.split_at(bundle.len() - old_root.len());
    assert_eq!(rest, old_root, "the old CA is not trusted beside the new one");
    let new_only = Persistent::start("trusts the new CA", &Client::trusting(new_root, NAME), &addresses);
    let both = Persistent::start("trusts both", &Client::trusting(&bundle, NAME), &addresses);
    for client in [&old_only, &new_only, &both, &updated] {
        client.goes_on(5);
    }
    // It lasts, also for certificates that are made meanwhile.
    stack.succeed("secret rotate --auto-approve site-tls");
    add_keys(&stack, &mut keys);
    for client in [&old_only, &new_only, &both, &updated] {
        client.goes_on(5);
    }
    old_only.has_not_failed();

    stack.succeed("secret rotate --auto-approve --end-overlap site-ca");
    assert_eq!(trusted(), new_root.trim_end());
    for client in [&new_only, &both, &updated] {
        client.goes_on(20);
    }
    // This one still trusts the old authority alone: it shows that failures are noticed.
    old_only.comes_to_fail(&addresses, "invalid peer certificate");
    let connections: u64 = [new_only, both, updated].into_iter().map(Persistent::end).sum();
    assert!(connections > 200, "{connections} connections");

    stack.ends("plan --detailed-exitcode", 0);
    add_keys(&stack, &mut keys);
    nodes.into_iter().for_each(|node| keys.are_not_on(node));
    keys.are_not_below(&stack.path(""));
    assert!(NODE1.sh("cat /var/log/sudo.log; rm /etc/sudoers.d/live-log").contains("COMMAND="), "sudo logged nothing");
    let command_lines = processes.end();
    for seen in ["nginx: master process", "openssl\0s_client", "sudo\0", "secret\0rotate"] {
        assert!(String::from_utf8_lossy(&command_lines).contains(seen), "no process was seen that is {seen:?}");
    }
    assert!(!keys.are_in(&command_lines), "a key is in a command line or an environment");
    stack.destroy();
    nodes.into_iter().for_each(is_clear);
}

/// The processes of NGINX on a host that take connections.
fn workers(host: Host) -> Vec<String> {
    host.sh("pgrep -f '^nginx: worker process *$'; true").lines().map(str::to_owned).collect()
}

/// Waits until others take connections: NGINX answers a reload before it has done it.
fn are_reloaded(hosts: [Host; 3], before: &[Vec<String>; 3]) {
    for (host, before) in hosts.into_iter().zip(before) {
        let are_others = |now: &[String]| !now.is_empty() && now.iter().all(|worker| !before.contains(worker));
        poll(LIMIT, &format!("NGINX has reloaded on {}", host.name), || are_others(&workers(host)));
    }
}

/// Removes what a test that failed has left on a tmpfs, which is not looked at before and after tests.
fn clear(host: Host) {
    host.sh("rm -rf /run/live");
}

/// Asserts that nothing is left on a tmpfs.
fn is_clear(host: Host) {
    assert_eq!(host.sh("ls -d /run/live 2>&1 | grep -v 'No such file'; true"), "", "{} is not as it was", host.name);
}

/// Looks for the keys that a stack has now.
fn add_keys(stack: &Stack, keys: &mut Keys) {
    for secret in ["site-ca", "site-tls"] {
        keys.add(&exported(stack, &format!("{secret}.privateKey")));
    }
}

/// An entry of a secret.
fn exported(stack: &Stack, entry: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("entry");
    stack.succeed(&format!("secret export {entry} --out {}", file.display()));
    std::fs::read_to_string(file).unwrap()
}

/// The certificate that a server shows, by its digest.
fn fingerprint(server: SocketAddr) -> String {
    openssl(&format!(
        "s_client -connect {server} -servername {NAME} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256"
    ))
}

fn openssl_nginx_and_curl_take_every_type_of_key() {
    let types = [("ecdsa", "ecdsa-p256"), ("rsa", "rsa-2048"), ("ed", "ed25519")];
    let (mut secrets, mut files, mut outputs) = (String::new(), String::new(), Vec::new());
    for (name, key_type) in types {
        secrets += &format!(
            "  {name}-ca: {{generate: {{certificateAuthority: {{commonName: {name} CA, keyType: {key_type}}}}}}}
  {name}-tls: {{generate: {{certificate: {{issuer: {name}-ca, keyType: {key_type}, commonName: {NAME}, dnsNames: [{NAME}, \"*.apps.example.com\"], ipAddresses: [{}]}}}}}}\n",
            NODE3.address
        );
        files += &format!(
            "  {name}-key: {{nodes: all, path: /run/live/{name}.key, content: \"${{secret.{name}-tls.privateKey}}\", tmpfs: true}}
  {name}-chain: {{nodes: all, path: /srv/live/tls/{name}.crt, content: \"${{secret.{name}-tls.chain}}\"}}\n"
        );
        outputs.push((format!("/chains/{name}.crt"), format!("/keys/{name}.key")));
    }
    let ports: Vec<(u16, &str, &str)> =
        (4430..).zip(&outputs).map(|(port, (chain, key))| (port, chain.as_str(), key.as_str())).collect();
    let config = format!(
        "secrets:\n{secrets}files:\n{files}  config: {{nodes: all, path: /srv/live/nginx.conf, content: \"{}\"}}
containers:
  web:
    nodes: all
    image: {REGISTRY}/library/nginx:1.25
    ports: [\"4430:4430\", \"4431:4431\", \"4432:4432\"]
    volumes: [\"${{file.config.path}}:/etc/nginx/nginx.conf:ro\", \"${{file.ecdsa-chain.directory}}:/chains:ro\", \"${{file.ecdsa-key.directory}}:/keys:ro\"]
    dependsOn: [file.rsa-key, file.rsa-chain, file.ed-key, file.ed-chain]
    health: {{tcp: {{port: 4432}}, timeout: 30s}}
",
        nginx(&ports)
    );
    clear(NODE3);
    let stack = Stack::on(&[NODE3], &config);
    stack.converges();
    for ((name, _), (port, ..)) in types.into_iter().zip(ports) {
        let ca = stack.path(&format!("{name}.pem"));
        std::fs::write(&ca, exported(&stack, &format!("{name}-ca.certificate"))).unwrap();
        is_served(NODE3, port, &ca);
        assert!(fails_for_others(NODE3, port, &ca), "{name}: another name was taken");
        // As strict as OpenSSL can be, on both certificates.
        let chain = stack.path(&format!("{name}.crt"));
        std::fs::write(&chain, exported(&stack, &format!("{name}-tls.chain"))).unwrap();
        let (ca, chain) = (ca.display(), chain.display());
        let strict = "-x509_strict -policy_check -check_ss_sig -purpose sslserver";
        openssl(&format!("verify {strict} -CAfile {ca} -verify_hostname {NAME} -verify_ip {} {chain}", NODE3.address));
        let told =
            openssl(&format!("x509 -in {chain} -noout -checkhost shop.apps.example.com -checkip {}", NODE3.address));
        assert_eq!(told.matches("does match certificate").count(), 2, "{told}");
    }
    stack.destroy();
    is_clear(NODE3);
}

/// What the guide has its readers do: RSA keys, a chain in a file, the CA's certificate in one line of Base64.
fn a_certificate_made_elsewhere() {
    clear(LB1);
    let stack = Stack::empty();
    let make = format!(
        "set -eu; cd '{}'
openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 3650 -subj '/C=CN/CN=test-ca' -keyout cakey.pem -out cacerts.pem
openssl req -newkey rsa:2048 -nodes -subj '/C=CN/CN=test-intermediate' -keyout between.key -out between.csr
printf 'basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,keyCertSign' >between.cnf
openssl x509 -req -sha256 -days 1000 -in between.csr -CA cacerts.pem -CAkey cakey.pem -CAcreateserial -extfile between.cnf -out between.crt
openssl req -newkey rsa:2048 -nodes -subj '/C=CN/CN={NAME}' -keyout tls.key -out tls.csr
printf 'subjectAltName=DNS:{NAME},IP:{}' >tls.cnf
openssl x509 -req -sha256 -days 365 -in tls.csr -CA between.crt -CAkey between.key -CAcreateserial -extfile tls.cnf -out server.crt
cat server.crt between.crt >tls.crt",
        stack.path("").display(),
        LB1.address
    );
    let made = Command::new("/bin/sh").args(["-c", &make]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    stack.set(
        &[LB1],
        &format!(
            "secrets:
  guide-tls: {{import: {{certificate: {{file: tls.crt}}, privateKey: {{file: tls.key}}, ca: {{file: cacerts.pem}}}}}}
  guide-ca: {{data: {{cacerts.pem: {{file: cacerts.pem}}}}}}
files:
  key: {{nodes: all, path: /run/live/tls.key, content: \"${{secret.guide-tls.privateKey}}\", tmpfs: true}}
  chain: {{nodes: all, path: /srv/live/tls.crt, content: \"${{secret.guide-tls.chain}}\"}}
  config: {{nodes: all, path: /srv/live/nginx.conf, content: \"{}\"}}
  manifest: {{nodes: all, path: /srv/live/secret.yaml, content: \"tls.crt: ${{base64encode(secret.guide-tls.chain)}}\\ncacerts.pem: ${{base64encode(secret.guide-ca[\\\"cacerts.pem\\\"])}}\\n\"}}
containers:
  web:
    nodes: all
    image: {REGISTRY}/library/nginx:1.25
    ports: [\"8443:443\"]
    volumes: [\"${{file.config.path}}:/etc/nginx/nginx.conf:ro\", \"${{file.chain.path}}:/tls.crt:ro\", \"${{file.key.path}}:/tls.key:ro\"]
    health: {{tcp: {{port: 8443}}, timeout: 30s}}
",
            nginx(&[(443, "/tls.crt", "/tls.key")])
        ),
    );
    stack.converges();
    is_served(LB1, 8443, &stack.path("cacerts.pem"));
    assert!(fails_for_others(LB1, 8443, &stack.path("cacerts.pem")), "another name was taken");
    assert_eq!(LB1.sh("wc -l </srv/live/secret.yaml"), "2");
    for (entry, file) in [("tls.crt", "tls.crt"), ("cacerts.pem", "cacerts.pem")] {
        let decoded = LB1.sh(&format!("sed -n 's/^{entry}: //p' /srv/live/secret.yaml | base64 -d"));
        assert_eq!(decoded, stack.read(file).trim_end(), "{entry}");
    }

    // One that does not belong to its key never reaches a host.
    std::fs::copy(stack.path("between.key"), stack.path("tls.key")).unwrap();
    stack
        .fail("apply --auto-approve")
        .says(&["guide-tls: {import", &format!("does not belong to the certificate `{NAME}`")]);
    is_served(LB1, 8443, &stack.path("cacerts.pem"));
    stack.destroy();
    is_clear(LB1);
}

/// Asserts that two clients that were not written for this trust a server, by the name and by the address.
fn is_served(host: Host, port: u16, ca: &Path) {
    let (address, ca) = (host.address, ca.display());
    let verified = "-verify_return_error";
    openssl(&format!("s_client -connect {address}:{port} -CAfile {ca} {verified} -verify_hostname {NAME} </dev/null"));
    openssl(&format!("s_client -connect {address}:{port} -CAfile {ca} {verified} -verify_ip {address} </dev/null"));
    for url in [format!("https://{NAME}:{port}/"), format!("https://{address}:{port}/")] {
        shell(&format!("curl -sSf --cacert {ca} --resolve {NAME}:{port}:{address} {url}"));
    }
}

/// Whether a client that looks for another host does not trust a server.
fn fails_for_others(host: Host, port: u16, ca: &Path) -> bool {
    let (address, ca) = (host.address, ca.display());
    let script = format!(
        "openssl s_client -connect {address}:{port} -CAfile {ca} -verify_return_error -verify_hostname other.example.com </dev/null"
    );
    let output = Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
    !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("hostname mismatch")
}

fn openssl(arguments: &str) -> String {
    shell(&format!("openssl {arguments}"))
}

/// Runs a script here that has to succeed; what it prints.
fn shell(script: &str) -> String {
    let output = Command::new("/bin/sh").args(["-c", script]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {told}\n{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
