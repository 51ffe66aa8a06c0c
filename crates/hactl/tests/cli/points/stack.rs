//! The stack that is struck: every kind of resource, and what becomes of it.

/// Three nodes, secrets of every kind that is made, files that hold them, services with networks and volumes, names in
/// workloads and on hosts, objects, an ingress.
pub(crate) const FIRST: &str = r#"
hactl: 1
name: struck
nodes:
  n1: {address: 10.0.0.1}
  n2: {address: 10.0.0.2}
  n3: {address: 10.0.0.3}
kubernetes: {namespace: shop}
secrets:
  ca: {generate: {certificateAuthority: {commonName: Struck CA}}}
  tls: {generate: {certificate: {issuer: ca, dnsNames: [www.example.com]}}, kubernetes: {type: kubernetes.io/tls}}
  password: {generate: {password: {length: 40}}}
files:
  page: {nodes: all, path: /srv/web/page.html, content: "one ${self.node.name}\n"}
  ca: {nodes: all, path: /etc/web/ca.pem, content: "${secret.ca.certificate}"}
  tls: {nodes: all, path: /etc/web/tls.pem, content: "${secret.tls.chain}"}
  key: {nodes: all, path: /etc/web/key.pem, content: "${secret.tls.privateKey}"}
  password: {nodes: all, path: /etc/web/password, content: "${secret.password.value}"}
  left: {nodes: [n1], path: /srv/left/behind, content: "x\n"}
containers:
  web:
    nodes: all
    image: web:1
    network: front
    ports: ["8080:80"]
    env: {PASSWORD: "${secret.password.value}"}
    volumes: ["${file.page.path}:/page.html:ro", "${file.tls.directory}:/tls:ro", "data:/data"]
    health: {http: {port: 8080}, timeout: 3s}
    rollout: {maxUnavailable: 2}
  cache:
    nodes: [n1, n2]
    image: cache:1
    network: front
    memory: 64m
    dependsOn: [container.web]
  worker: {nodes: [n2, n3], image: worker:1, volumes: ["scratch:/scratch"]}
manifests:
  shop: {inline: {apiVersion: v1, kind: Namespace, metadata: {name: shop}}}
  web:
    inline:
      - {apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: "1"}}
      - apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          selector: {matchLabels: {app: web}}
          template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web:1"}]}}
      - {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}
  left: {inline: {apiVersion: v1, kind: ConfigMap, metadata: {name: left}, data: {a: "1"}}}
ingress:
  web: {host: www.example.com, service: {name: web, port: 80}, tls: {secretName: tls}}
hostAliases:
  api:
    ip: 10.0.0.9
    hostnames: [api.example.com]
    nodes: all
    workloads: [{kind: Deployment, namespace: shop, name: web}]
outputs:
  id: ${container.cache["n1"].id}
  password: {value: "${secret.password.value}", sensitive: true}
"#;

/// Another certificate and password, replacements, updates in place, a rename, deletes, another object in place of one.
pub(crate) const SECOND: &str = r#"
hactl: 1
name: struck
nodes:
  n1: {address: 10.0.0.1}
  n2: {address: 10.0.0.2}
  n3: {address: 10.0.0.3}
kubernetes: {namespace: shop}
secrets:
  ca: {generate: {certificateAuthority: {commonName: Struck CA}}}
  tls: {generate: {certificate: {issuer: ca, dnsNames: [www.example.com, example.com]}}, kubernetes: {type: kubernetes.io/tls}}
  password: {generate: {password: {length: 48}}}
files:
  page: {nodes: all, path: /srv/web/page.html, content: "two ${self.node.name}\n"}
  ca: {nodes: all, path: /etc/web/ca.pem, content: "${secret.ca.certificate}", mode: "0640"}
  tls: {nodes: all, path: /etc/web/tls.pem, content: "${secret.tls.chain}"}
  key: {nodes: all, path: /etc/web/key.pem, content: "${secret.tls.privateKey}"}
  password: {nodes: all, path: /etc/web/password, content: "${secret.password.value}"}
containers:
  web:
    nodes: all
    image: web:2
    network: front
    ports: ["8081:80"]
    env: {PASSWORD: "${secret.password.value}"}
    volumes: ["${file.page.path}:/page.html:ro", "${file.tls.directory}:/tls:ro", "data:/data"]
    health: {http: {port: 8081}, timeout: 3s}
    rollout: {maxUnavailable: 2}
  cache:
    nodes: [n1, n2]
    name: cache-two
    image: cache:1
    network: front
    memory: 128m
    restart: always
    dependsOn: [container.web]
  proxy: {nodes: all, image: proxy:1, ports: ["8080:80"]}
manifests:
  shop: {inline: {apiVersion: v1, kind: Namespace, metadata: {name: shop}}}
  web:
    inline:
      - {apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: "2"}}
      - apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          selector: {matchLabels: {app: other}}
          template: {metadata: {labels: {app: other}}, spec: {containers: [{name: web, image: "web:2"}]}}
      - {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: other}, ports: [{port: 80}]}}
ingress:
  web: {host: www.example.com, service: {name: web, port: 80}, path: /shop, tls: {secretName: tls}}
hostAliases:
  api:
    ip: 10.0.0.9
    hostnames: [other.example.com]
    nodes: all
    workloads: [{kind: Deployment, namespace: shop, name: web}]
outputs:
  id: ${container.cache["n1"].id}
  password: {value: "${secret.password.value}", sensitive: true}
"#;
