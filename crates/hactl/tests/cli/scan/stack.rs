//! The configs of the stack that is looked through.

/// A secret of each source but the one that stands in the config itself, used wherever a secret may be used.
pub(crate) const STACK: &str = r#"
hactl: 1
name: scan
variables:
  colour: {default: green}
  token: {sensitive: true}
  password: {sensitive: true}
nodes: {n1: {address: 10.0.0.1}, n2: {address: 10.0.0.2}}
registries: {registry.example.com: {username: ops, password: "${secret.outside.env}"}}
secrets:
  outside:
    data:
      env: {env: SCAN_ENV}
      file: {file: ../outside/file}
      exec: {exec: [read-secret, "${var.colour}"]}
      sops: {sops: {file: secrets.enc.json, key: db.password}}
      token: ${var.token}
  made: {generate: {password: {length: 40}}}
  number: {generate: {token: {bytes: 32}}}
  login: {generate: {sshKey: {type: ed25519}}}
  ca: {generate: {certificateAuthority: {commonName: Scan CA}}}
  tls: {generate: {certificate: {issuer: ca, dnsNames: [www.example.com]}}}
  guide: {import: {certificate: {file: ../outside/tls.crt}, privateKey: {file: ../outside/tls.key}, ca: {file: ../outside/ca.crt}}}
files:
  text:
    nodes: all
    path: /etc/scan/text
    content: |
      ${join(" ", values(secret.outside))} ${secret.inline.plain} ${var.password} ${var.colour}
  page: {nodes: all, path: /etc/scan/page, template: page.tpl}
  keys:
    nodes: all
    path: /run/scan/keys
    tmpfs: true
    content: "${secret.tls.privateKey}${secret.ca.privateKey}${secret.guide.privateKey}${secret.login.privateKey}"
containers:
  app:
    nodes: all
    image: registry.example.com/app:1
    env:
      ENV: ${secret.outside.env}
      ENCODED: ${base64encode(secret.made.value)}
      JSON: ${jsonencode({exec = secret.outside.exec, key = secret.tls.privateKey})}
      CHOICE: '${secret.outside.sops == "" ? "none" : secret.outside.sops}'
      TOKEN: "Bearer ${secret.number.value}"
      URL: "https://ops:${var.password}@example.com/"
    volumes: ["${file.text.path}:/text:ro", "${file.keys.path}:/keys:ro"]
    ports: ["8080:80"]
    health: {tcp: {port: 8080}, timeout: 3s}
outputs:
  colour: ${var.colour}
  token: {value: "${var.token}", sensitive: true}
  made: {value: "${secret.made.value}", sensitive: true}
  all: {value: "${secret.outside}", sensitive: true}
  bundle: {value: "${secret.tls.chain}", sensitive: true}
"#;

/// What `file.page` is made of.
pub(crate) const PAGE: &str = r#"%{ if secret.outside.file != "" }file: ${secret.outside.file}%{ endif }
%{ for value in [secret.outside.exec, secret.made.value, var.password] }- ${value}
%{ endfor }"#;

/// What a file brings whose certificates are imported.
pub(crate) const GUIDE: &str = "
hactl: 1
name: guide
secrets:
  ca: {generate: {certificateAuthority: {commonName: Guide CA}}}
  tls: {generate: {certificate: {issuer: ca, dnsNames: [guide.example.com]}}}
";

/// What a config with a mistake has beside it.
const BESIDE: &str = r#"
variables:
  token: {sensitive: true}
  number: {sensitive: true, default: 7}
  kept: {sensitive: true, default: ""}
nodes: {n1: {address: 10.0.0.1}}
secrets:
  outside: {data: {env: {env: SCAN_ENV}, exec: {exec: [read-secret]}, token: "${var.token}"}}
  made: {generate: {password: {length: 40}}}
"#;

/// A config with a mistake, whose stack has this number.
pub(crate) fn with_mistake(number: usize, mistake: &str) -> String {
    format!("hactl: 1\nname: mistake-{number}\n{BESIDE}{mistake}\n")
}

/// Uses of a secret where none may be, or in a way that fails: of one that the plan knows, and of one that only apply does.
pub(crate) fn mistakes() -> Vec<String> {
    let values = ["var.token", "secret.outside.exec", "secret.made.value"];
    let uses = [
        r#"files: {f: {nodes: all, path: "/${X}", content: a}}"#,
        r#"files: {f: {nodes: all, path: /f, content: a, mode: "${X}"}}"#,
        r#"files: {f: {nodes: all, path: /f, content: a, owner: "${X}"}}"#,
        r#"files: {f: {nodes: all, path: /f, source: "${X}"}}"#,
        r#"files: {f: {nodes: all, path: /f, template: "${X}"}}"#,
        r#"files: {f: {nodes: ["${X}"], path: /f, content: a}}"#,
        r#"files: {f: {nodes: all, path: /f, content: "${tonumber(X)}"}}"#,
        r#"files: {f: {nodes: all, path: /f, content: "${X + 1}"}}"#,
        r#"files: {f: {nodes: all, path: /f, content: "${jsondecode(X)}"}}"#,
        r#"files: {f: {nodes: all, path: /f, content: "${yamldecode(\"[${X}: {\")}"}}"#,
        r#"files: {f: {nodes: all, path: /f, content: "${base64decode(X)}"}}"#,
        r#"files: {f: {nodes: all, path: /f, content: "${file(X)}"}}"#,
        r#"files: {f: {nodes: all, path: /f, content: "${{a = 1}[X]}"}}"#,
        r#"files: {f: {nodes: all, path: /f, content: "${X.part}"}}"#,
        r#"files: {f: {nodes: all, path: /f, content: "${X[7]}"}}"#,
        r#"files: {f: {nodes: all, path: /f, content: "${!X}"}}"#,
        r#"files: {f: {nodes: all, path: /f, content: "${X ? 1 : 2}"}}"#,
        r#"files: {f: {nodes: all, path: /f, content: "${format(X, 1)}"}}"#,
        r#"files: {f: {nodes: all, path: /f, content: "${[for v in X : v]}"}}"#,
        r#"files: {f: {nodes: all, path: /f, content: ["${X}"]}}"#,
        r#"containers: {c: {nodes: all, image: "app:${X}"}}"#,
        r#"containers: {c: {nodes: all, image: "${X}"}}"#,
        r#"containers: {c: {nodes: all, image: app, name: "${X}"}}"#,
        r#"containers: {c: {nodes: all, image: app, command: ["${X}"]}}"#,
        r#"containers: {c: {nodes: all, image: app, labels: {a: "${X}"}}}"#,
        r#"containers: {c: {nodes: all, image: app, ports: ["${X}:80"]}}"#,
        r#"containers: {c: {nodes: all, image: app, volumes: ["${X}:/a"]}}"#,
        r#"containers: {c: {nodes: all, image: app, memory: "${X}"}}"#,
        r#"containers: {c: {nodes: all, image: app, cpus: "${X}"}}"#,
        r#"containers: {c: {nodes: all, image: app, user: "${X}"}}"#,
        r#"containers: {c: {nodes: all, image: app, hostname: "${X}"}}"#,
        r#"containers: {c: {nodes: all, image: app, network: "${X}"}}"#,
        r#"containers: {c: {nodes: all, image: app, restart: "${X}"}}"#,
        r#"containers: {c: {nodes: all, image: app, stopGracePeriod: "${X}"}}"#,
        r#"containers: {c: {nodes: all, image: app, health: {exec: ["${X}"]}}}"#,
        r#"containers: {c: {nodes: all, image: app, health: {http: {port: 80, path: "/${X}"}}}}"#,
        r#"containers: {c: {nodes: all, image: app, env: {"${X}": a}}}"#,
        r#"containers: {c: {nodes: all, image: app, env: "${X}"}}"#,
        r#"containers: {c: {nodes: all, image: app, extraHosts: ["${X}"]}}"#,
        r#"containers: {c: {nodes: all, image: app, onFileChange: {reload: {exec: ["${X}"]}}}}"#,
        r#"outputs: {o: "${X}"}"#,
        r#"outputs: {o: "${base64encode(X)}"}"#,
        r#"outputs: {o: {value: a, description: "${X}"}}"#,
        r#"encryption: {recipients: ["${X}"]}"#,
        r#"ssh: {user: "${X}"}"#,
    ];
    let of_values = values.iter().flat_map(|value| uses.iter().map(move |text| text.replace('X', value)));
    let of_secrets = [
        r#"  more: {data: {a: {exec: [echo, "${var.token}"]}}}"#,
        r#"  more: {data: {a: {exec: [echo, "${secret.outside.env}"]}}}"#,
        r#"  more: {data: {a: {file: "${var.token}"}}}"#,
        r#"  more: {data: {a: {env: "${var.token}"}}}"#,
        r#"  more: {data: {a: {sops: {file: secrets.enc.json, key: "${var.token}"}}}}"#,
        r#"  more: {data: {a: "${tonumber(var.token)}"}}"#,
        r#"  more: {generate: {password: {alphabet: "${var.token}"}}}"#,
        r#"  more: {generate: {password: {length: "${var.token}"}}}"#,
        r#"  more: {generate: {sshKey: {comment: "${secret.made.value}"}}}"#,
        r#"  more: {generate: {certificateAuthority: {commonName: "${var.token}"}}}"#,
        r#"  more: {generate: {certificateAuthority: {commonName: a, validFor: "${var.token}"}}}"#,
        r#"  more: {generate: {certificate: {issuer: "${var.token}", dnsNames: [a.example.com]}}}"#,
        r#"  more: {import: {certificate: {env: SCAN_ENV}, privateKey: {env: SCAN_ENV}}}"#,
        r#"  more: {import: {certificate: {file: ../../outside/tls.crt}, privateKey: {env: SCAN_ENV}}}"#,
        r#"  more: {import: {certificate: {file: ../../outside/tls.key}, privateKey: {file: ../../outside/tls.crt}}}"#,
        r#"  more: {import: {certificate: {file: ../../outside/tls.crt}, privateKey: {file: ../../outside/other.key}}}"#,
        r#"  "${var.token}": {data: {a: b}}"#,
    ];
    of_values.chain(of_secrets.map(str::to_owned)).collect()
}
