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
kubernetes: {namespace: scan}
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
  tls: {generate: {certificate: {issuer: ca, dnsNames: [www.example.com]}}, kubernetes: {type: kubernetes.io/tls}}
  delivered:
    data: {env: {env: SCAN_ENV}, made: "${secret.made.value}", password: "x${var.password}"}
    kubernetes: {}
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
manifests:
  base: {inline: {apiVersion: v1, kind: Namespace, metadata: {name: scan}}}
  objects: {file: ../outside/objects.yaml}
  app:
    timeout: 20s
    inline:
      - apiVersion: v1
        kind: Secret
        metadata: {name: app}
        data: {exec: "${base64encode(secret.outside.exec)}"}
        stringData: {url: "https://ops:${var.password}@example.com/", made: "${secret.made.value}"}
      - apiVersion: apps/v1
        kind: Deployment
        metadata: {name: app}
        spec:
          selector: {matchLabels: {app: app}}
          template:
            metadata: {labels: {app: app}}
            spec:
              containers:
                - name: app
                  image: app:1
                  args: ["--token", "${secret.number.value}"]
                  env: [{name: TOKEN, value: "Bearer ${var.token}"}, {name: COLOUR, value: "${var.colour}"}]
  # Its template cannot change, and servers repeat all of it when they say so.
  job:
    template: true
    inline:
      apiVersion: batch/v1
      kind: Job
      metadata: {name: job}
      spec:
        template:
          spec:
            restartPolicy: Never
            containers: [{name: job, image: "job:1", env: [{name: TOKEN, value: "${secret.outside.token}"}, {name: MADE, value: "${secret.made.value}"}]}]
ingress: {app: {host: www.example.com, service: {name: app, port: 80}, tls: {secretName: tls}}}
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

/// An RKE cluster file whose addons hold a secret in plain text, and include files that do.
pub(crate) fn cluster_file(value: &str) -> String {
    format!(
        "nodes: [{{address: 10.0.0.1, user: ops, role: [etcd]}}]
addons_include: [../../outside/objects.yaml]
addons: |-
  ---
  apiVersion: v1
  kind: Secret
  metadata: {{name: addon}}
  stringData: {{key: {value}}}
"
    )
}

/// Objects in plain text, with one value in Base64 and one as text.
pub(crate) fn objects(encoded: &str, text: &str) -> String {
    format!(
        "apiVersion: v1
kind: Secret
metadata: {{name: objects, annotations: {{kubectl.kubernetes.io/last-applied-configuration: {text}}}}}
data: {{encoded: {encoded}}}
stringData: {{text: {text}}}
"
    )
}

/// Files of objects with mistakes, in which HEART is a secret.
pub(crate) const BROKEN_OBJECTS: [&str; 9] = [
    "kind: Secret\nstringData: {a: HEART\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: HEART!}\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: [HEART]\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: HEART\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: [HEART]}\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringdata: {a: HEART}\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: A_b}\nstringData: {a: HEART}\ntype: [1]\n",
    "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Secret, data: {a: HEART!}}]\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: b}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: HEART}\n",
];

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
        r#"kubernetes: {namespace: "${X}"}"#,
        r#"kubernetes: {context: "${X}"}"#,
        "kubernetes: {}\nmanifests: {m: {file: \"${X}\"}}",
        "kubernetes: {}\nmanifests: {m: {directory: \"${X}\"}}",
        "kubernetes: {}\nmanifests: {m: {timeout: \"${X}\", inline: {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}}}",
        "kubernetes: {}\nmanifests: {m: {inline: {apiVersion: \"${X}\", kind: ConfigMap, metadata: {name: a}}}}",
        "kubernetes: {}\nmanifests: {m: {inline: {apiVersion: v1, kind: \"${X}\", metadata: {name: a}}}}",
        "kubernetes: {}\nmanifests: {m: {inline: {apiVersion: v1, kind: ConfigMap, metadata: {name: \"${X}\"}}}}",
        "kubernetes: {}\nmanifests: {m: {inline: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: \"${X}\"}}}}",
        "kubernetes: {}\nmanifests: {m: {inline: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {a: \"${X}\"}}}}}",
        "kubernetes: {}\nmanifests: {m: {inline: \"${X}\"}}",
        "kubernetes: {}\ningress: {i: {service: {name: a, port: 80}, annotations: {a: \"${X}\"}}}",
        "kubernetes: {}\ningress: {i: {service: {name: a, port: 80}, host: \"${X}\"}}",
        "kubernetes: {}\ningress: {i: {service: {name: \"${X}\", port: 80}}}",
        "kubernetes: {}\nhostAliases: {h: {ip: \"${X}\", hostnames: [a], nodes: all}}",
        "kubernetes: {}\nhostAliases: {h: {ip: 10.0.0.9, hostnames: [\"${X}\"], nodes: all}}",
        "kubernetes: {}\nhostAliases: {h: {ip: 10.0.0.9, hostnames: [a], workloads: [{kind: Deployment, name: \"${X}\"}]}}",
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
        r#"  more: {data: {a: "${var.token}"}, kubernetes: {name: "${var.token}"}}"#,
        r#"  more: {data: {a: "${var.token}"}, kubernetes: {type: "${var.token}"}}"#,
        r#"  "${var.token}": {data: {a: b}}"#,
    ];
    of_values.chain(of_secrets.map(str::to_owned)).collect()
}
