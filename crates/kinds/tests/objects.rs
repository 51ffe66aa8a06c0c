//! What manifests, ingresses, host aliases and secrets with a destination are lowered to.
#![expect(clippy::disallowed_methods, reason = "tests make and damage files as they like")]

use hactl_config::{SourceMap, VariableInputs, load};
use hactl_core::Diagnostic;
use hactl_core::diagnostic::Severity;
use hactl_core::resource::Resource;
use hactl_kinds::{SECTIONS, all_mistakes, lower_with_warnings};

/// Two nodes, a cluster with a namespace of its own, and variables of both kinds; 6 lines.
const START: &str = "\
hactl: 1
name: shop
variables: {fqdn: shop.example.com, password: {default: hunter2, sensitive: true}}
nodes: {n1: {address: 10.0.0.1}, n2: {address: 10.0.0.2}}
kubernetes: {namespace: shop}

";

/// Every resource of a config, then what is said about it.
fn lowered(text: &str) -> String {
    lowered_with(text, &[])
}

/// The same of a config with files beside it.
fn lowered_with(text: &str, files: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("the directory is made");
        std::fs::write(path, text).expect("the file is written");
    }
    let path = directory.path().join("hactl.yaml");
    std::fs::write(&path, format!("{START}{text}")).expect("the config is written");
    let shown = match load(&path, SECTIONS, &VariableInputs::default()) {
        Err(failure) => {
            let failure = all_mistakes(failure);
            told(&failure.sources, &failure.diagnostics)
        }
        Ok(config) => match lower_with_warnings(&config, None) {
            Err(diagnostics) => told(&config.sources, &diagnostics),
            Ok((desired, warnings)) => {
                let resources: String = desired.resources.iter().map(shown).collect();
                resources + &told(&config.sources, &warnings)
            }
        },
    };
    shown.replace(&*directory.path().to_string_lossy(), ".")
}

/// A resource: its address, place and needs, then its spec, where `!` follows what stands for a sensitive value.
fn shown(resource: &Resource) -> String {
    let needs: Vec<&str> = resource.dependencies.iter().map(|dependency| dependency.on.as_str()).collect();
    let place = resource.node.as_deref().unwrap_or("-");
    let after = if needs.is_empty() { String::new() } else { format!(" after {}", needs.join(", ")) };
    let gated = if resource.gated { ", waited for" } else { "" };
    let spec = serde_json::to_string(&resource.spec).expect("a spec is JSON");
    let spec = spec.replace(",\"sensitive\":true}}}", "}!").replace("{\"$hactl\":{\"deferred\":{\"expr\":", "");
    format!("{} on {place}{after}{gated}\n    {spec}\n", resource.address)
}

fn told(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    let line = |diagnostic: &Diagnostic| {
        let severity = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
        let places = diagnostic.labels.iter().map(|label| {
            let (line, column) = sources.position(label.span);
            let file = sources.path(label.span.source).file_name().unwrap_or_default().to_string_lossy();
            format!(" {file}:{line}:{column}")
        });
        let help = diagnostic.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{severity}{}: {}{help}\n", places.collect::<String>(), diagnostic.summary)
    };
    let told: String = diagnostics.iter().map(line).collect();
    assert!(!told.contains("hunter") && !told.contains("aHVudGVy"), "{told}");
    told
}

#[test]
fn manifests_from_everywhere() {
    let shown = lowered_with(
        "
manifests:
  one: {file: one.yaml, wait: false, timeout: 10m, forceConflicts: true}
  many: {directory: many, namespace: other}
  map: {inline: {apiVersion: v1, kind: ConfigMap, metadata: {name: map}, data: {url: 'https://${var.fqdn}'}}}
  text:
    template: false
    inline: |
      {apiVersion: v1, kind: ConfigMap, metadata: {name: text}, data: {home: '${HOME}'}}
",
        &[
            (
                "one.yaml",
                "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: a, creationTimestamp: null}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: '${x}', ports: [{containerPort: 80}]}]}}}\nstatus: {}\n",
            ),
            (
                "many/b.json",
                "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"other\"}}]}",
            ),
            (
                "many/a.yml",
                "# Nothing but a comment.\n---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n---\n",
            ),
            ("many/c.txt", "not read"),
        ],
    );
    insta::assert_snapshot!(shown, @r#"
    manifest.one["DaemonSet/shop/a"] on kubernetes
        {"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"a","namespace":"shop"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"image":"${x}","name":"a","ports":[{"containerPort":80,"protocol":"TCP"}]}]}}},"x-hactl":{"forceConflicts":true,"timeout":"10m","wait":false}}
    manifest.many["Service/other/s"] on kubernetes after manifest.many["Namespace/other"]
        {"apiVersion":"v1","kind":"Service","metadata":{"name":"s","namespace":"other"},"spec":{"ports":[{"port":80,"protocol":"TCP"}]}}
    manifest.many["Namespace/other"] on kubernetes, waited for
        {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"other"}}
    manifest.map["ConfigMap/shop/map"] on kubernetes
        {"apiVersion":"v1","data":{"url":"https://shop.example.com"},"kind":"ConfigMap","metadata":{"name":"map","namespace":"shop"}}
    manifest.text["ConfigMap/shop/text"] on kubernetes
        {"apiVersion":"v1","data":{"home":"${HOME}"},"kind":"ConfigMap","metadata":{"name":"text","namespace":"shop"}}
    "#);
}

#[test]
fn values_in_secrets_are_sensitive_wherever_they_come_from() {
    insta::assert_snapshot!(lowered("
secrets: {made: {generate: {password: {}}}}
manifests:
  keys:
    inline:
      - {apiVersion: v1, kind: Secret, metadata: {name: a}, type: Opaque, data: {password: aHVudGVyMg==, other: '${base64encode(var.password)}'}}
      - {apiVersion: v1, kind: Secret, metadata: {name: b}, stringData: {plain: hunter3, made: '${secret.made.value}', url: 'https://${var.fqdn}'}}
      - {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {password: 'x${var.password}'}}
"), @r#"
    secret.made on -
        {"generate":{"password":{"alphabet":"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789","length":32}}}
    manifest.keys["Secret/shop/a"] on kubernetes
        {"apiVersion":"v1","data":{"other":{"call":["base64encode",[{"variable":"password"}],false]}}!,"password":{"literal":"aHVudGVyMg=="}}!},"kind":"Secret","metadata":{"name":"a","namespace":"shop"},"type":"Opaque"}
    manifest.keys["Secret/shop/b"] on kubernetes after secret.made
        {"apiVersion":"v1","data":{"made":{"call":["base64encode",[{"output":{"address":"secret.made","name":"value"}}],false]}}!,"plain":{"call":["base64encode",[{"literal":"hunter3"}],false]}}!,"url":{"call":["base64encode",[{"literal":"https://shop.example.com"}],false]}}!},"kind":"Secret","metadata":{"name":"b","namespace":"shop"}}
    manifest.keys["ConfigMap/shop/c"] on kubernetes
        {"apiVersion":"v1","data":{"password":{"template":[{"literal":"x"},{"variable":"password"}]}}!},"kind":"ConfigMap","metadata":{"name":"c","namespace":"shop"}}
    "#);
}

#[test]
fn conditions_and_readiness() {
    insta::assert_snapshot!(lowered("
manifests:
  a:
    conditions: {Certificate.cert-manager.io/shop/web: Ready, Service/shop/web: Reached}
    inline:
      - {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: certificates.cert-manager.io}, spec: {group: cert-manager.io, scope: Namespaced, names: {kind: Certificate, plural: certificates}, versions: [{name: v1, served: true, storage: true}]}}
      - {apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: web}}
      - {apiVersion: example.com/v1, kind: Unheard, metadata: {name: of}}
      - {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80}]}}
      - {apiVersion: batch/v1, kind: Job, metadata: {name: once}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}
"), @r#"
    manifest.a["CustomResourceDefinition/certificates.cert-manager.io"] on kubernetes, waited for
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"certificates.cert-manager.io"},"spec":{"group":"cert-manager.io","names":{"kind":"Certificate","plural":"certificates"},"scope":"Namespaced","versions":[{"name":"v1","served":true,"storage":true}]}}
    manifest.a["Certificate.cert-manager.io/shop/web"] on kubernetes after manifest.a["CustomResourceDefinition/certificates.cert-manager.io"], waited for
        {"apiVersion":"cert-manager.io/v1","kind":"Certificate","metadata":{"name":"web","namespace":"shop"},"x-hactl":{"condition":"Ready"}}
    manifest.a["Unheard.example.com/of"] on kubernetes, waited for
        {"apiVersion":"example.com/v1","kind":"Unheard","metadata":{"name":"of"}}
    manifest.a["Service/shop/web"] on kubernetes, waited for
        {"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop"},"spec":{"ports":[{"port":80,"protocol":"TCP"}]},"x-hactl":{"condition":"Reached"}}
    manifest.a["Job/shop/once"] on kubernetes, waited for
        {"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"once","namespace":"shop"},"spec":{"template":{"spec":{"containers":[{"image":"a","name":"a"}],"restartPolicy":"Never"}}}}
    "#);
}

#[test]
fn ingresses() {
    insta::assert_snapshot!(lowered("
ingress:
  web: {host: '${var.fqdn}', service: {name: web, port: 80}}
  all: {namespace: other, service: {name: web, port: http}, path: /all, className: nginx, tls: {secretName: tls}, labels: {a: b}, annotations: {example.com/size: 8m, open: 'true'}, forceConflicts: true}
  wild: {host: '*.example.com', service: {name: web, port: 8080}, tls: {secretName: wild}}
"), @r#"
    ingress.web on kubernetes
        {"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"web","namespace":"shop"},"spec":{"rules":[{"host":"shop.example.com","http":{"paths":[{"backend":{"service":{"name":"web","port":{"number":80}}},"path":"/","pathType":"Prefix"}]}}]}}
    ingress.all on kubernetes
        {"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"annotations":{"example.com/size":"8m","open":"true"},"labels":{"a":"b"},"name":"all","namespace":"other"},"spec":{"ingressClassName":"nginx","rules":[{"http":{"paths":[{"backend":{"service":{"name":"web","port":{"name":"http"}}},"path":"/all","pathType":"Prefix"}]}}],"tls":[{"secretName":"tls"}]},"x-hactl":{"forceConflicts":true}}
    ingress.wild on kubernetes
        {"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"wild","namespace":"shop"},"spec":{"rules":[{"host":"*.example.com","http":{"paths":[{"backend":{"service":{"name":"web","port":{"number":8080}}},"path":"/","pathType":"Prefix"}]}}],"tls":[{"hosts":["*.example.com"],"secretName":"wild"}]}}
    "#);
}

#[test]
fn host_aliases() {
    insta::assert_snapshot!(lowered("
hostAliases:
  rancher:
    ip: fd00::1
    hostnames: ['${var.fqdn}', short]
    workloads:
      - {kind: Deployment, name: agent, optional: true}
      - {kind: StatefulSet, namespace: other, name: db}
    nodes: [n2]
  unhurried: {ip: 10.0.0.9, hostnames: [a], workloads: [{kind: DaemonSet, name: d}], wait: false}
"), @r#"
    hostAliases.rancher["Deployment/shop/agent"] on kubernetes, waited for
        {"aliases":[{"hostnames":["shop.example.com","short"],"ip":"fd00::1"}],"optional":true,"workload":{"kind":"Deployment","name":"agent","namespace":"shop"}}
    hostAliases.rancher["StatefulSet/other/db"] on kubernetes, waited for
        {"aliases":[{"hostnames":["shop.example.com","short"],"ip":"fd00::1"}],"workload":{"kind":"StatefulSet","name":"db","namespace":"other"}}
    hostAliases.rancher.hosts["n2"] on n2
        {"entries":[{"hostnames":["shop.example.com","short"],"ip":"fd00::1"}]}
    hostAliases.unhurried["DaemonSet/shop/d"] on kubernetes
        {"aliases":[{"hostnames":["a"],"ip":"10.0.0.9"}],"workload":{"kind":"DaemonSet","name":"d","namespace":"shop"},"x-hactl":{"wait":false}}
    "#);
}

#[test]
fn secrets_with_a_destination() {
    insta::assert_snapshot!(lowered("
secrets:
  ca: {generate: {certificateAuthority: {commonName: CA}}, kubernetes: {keys: {ca.crt: certificate}}}
  tls: {generate: {certificate: {issuer: ca, dnsNames: ['${var.fqdn}']}}, kubernetes: {namespace: other, type: kubernetes.io/tls, forceConflicts: true}}
  keys: {data: {a.pem: '${secret.ca.certificate}', b: {env: B}}, kubernetes: {name: renamed}, protect: true}
  here: {generate: {token: {bytes: 16}}}
"), @r#"
    secret.ca.object on kubernetes after secret.ca
        {"apiVersion":"v1","data":{"ca.crt":{"call":["base64encode",[{"output":{"address":"secret.ca","name":"certificate"}}],false]}}!},"kind":"Secret","metadata":{"name":"ca","namespace":"shop"},"type":"Opaque"}
    secret.ca on -
        {"generate":{"certificateAuthority":{"commonName":"CA","keyType":"ecdsa-p256","validFor":"3650d"}},"overlap":"30d","renewBefore":"365d"}
    secret.tls.object on kubernetes after secret.ca, secret.tls
        {"apiVersion":"v1","data":{"tls.crt":{"call":["base64encode",[{"output":{"address":"secret.tls","name":"chain"}}],false]}}!,"tls.key":{"call":["base64encode",[{"output":{"address":"secret.tls","name":"privateKey"}}],false]}}!},"kind":"Secret","metadata":{"name":"tls","namespace":"other"},"type":"kubernetes.io/tls","x-hactl":{"forceConflicts":true}}
    secret.tls on - after secret.ca
        {"generate":{"certificate":{"dnsNames":["shop.example.com"],"ipAddresses":[],"keyType":"ecdsa-p256","usages":["serverAuth","clientAuth"],"validFor":"365d"}},"issuer":{"certificate":{"output":{"address":"secret.ca","name":"issuing"}}}!,"privateKey":{"output":{"address":"secret.ca","name":"privateKey"}}}!},"renewBefore":"121d"}
    secret.keys.object on kubernetes after secret.ca, secret.keys
        {"apiVersion":"v1","data":{"a.pem":{"call":["base64encode",[{"output":{"address":"secret.ca","name":"certificate"}}],false]}}!,"b":{"call":["base64encode",[{"variable":"secret.keys.b"}],false]}}!},"kind":"Secret","metadata":{"name":"renamed","namespace":"shop"},"type":"Opaque"}
    secret.keys on - after secret.ca
        {"data":{"a.pem":{"output":{"address":"secret.ca","name":"certificate"}}}!,"b":{"variable":"secret.keys.b"}}!},"sources":{"a.pem":"expression","b":"env B"}}
    secret.here on -
        {"generate":{"token":{"bytes":16}}}
    "#);
}

#[test]
fn objects_come_after_what_they_name() {
    insta::assert_snapshot!(lowered("
containers: {api: {nodes: [n1], image: 'api:1'}}
secrets: {tls: {data: {tls.crt: {env: A}, tls.key: {env: B}}, kubernetes: {type: kubernetes.io/tls}}}
manifests:
  base: {inline: [{apiVersion: v1, kind: Namespace, metadata: {name: shop}}, {apiVersion: v1, kind: ServiceAccount, metadata: {name: web}}]}
  web:
    dependsOn: [container.api]
    inline: {apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {serviceAccountName: web, containers: [{name: a, image: '${container.api[\"n1\"].image}'}]}}
ingress: {web: {host: '${var.fqdn}', service: {name: web, port: 80}, tls: {secretName: tls}}}
hostAliases: {a: {ip: 10.0.0.9, hostnames: [a], workloads: [{kind: Deployment, name: later, optional: true}]}}
"), @r#"
    secret.tls.object on kubernetes after manifest.base["Namespace/shop"], secret.tls
        {"apiVersion":"v1","data":{"tls.crt":{"call":["base64encode",[{"variable":"secret.tls.tls.crt"}],false]}}!,"tls.key":{"call":["base64encode",[{"variable":"secret.tls.tls.key"}],false]}}!},"kind":"Secret","metadata":{"name":"tls","namespace":"shop"},"type":"kubernetes.io/tls"}
    secret.tls on -
        {"data":{"tls.crt":{"variable":"secret.tls.tls.crt"}}!,"tls.key":{"variable":"secret.tls.tls.key"}}!},"sources":{"tls.crt":"env A","tls.key":"env B"}}
    container.api["n1"] on n1
        {"image":"api:1","name":"api","restart":"unless-stopped","running":true}
    manifest.base["Namespace/shop"] on kubernetes, waited for
        {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}
    manifest.base["ServiceAccount/shop/web"] on kubernetes after manifest.base["Namespace/shop"]
        {"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"web","namespace":"shop"}}
    manifest.web["Pod/shop/web"] on kubernetes after container.api, container.api["n1"], manifest.base["Namespace/shop"], manifest.base["ServiceAccount/shop/web"], waited for
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop"},"spec":{"containers":[{"image":"api:1","name":"a"}],"serviceAccountName":"web"}}
    ingress.web on kubernetes after manifest.base["Namespace/shop"], secret.tls.object
        {"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"web","namespace":"shop"},"spec":{"rules":[{"host":"shop.example.com","http":{"paths":[{"backend":{"service":{"name":"web","port":{"number":80}}},"path":"/","pathType":"Prefix"}]}}],"tls":[{"hosts":["shop.example.com"],"secretName":"tls"}]}}
    hostAliases.a["Deployment/shop/later"] on kubernetes, waited for
        {"aliases":[{"hostnames":["a"],"ip":"10.0.0.9"}],"optional":true,"workload":{"kind":"Deployment","name":"later","namespace":"shop"}}
    "#);
}

#[test]
fn what_is_wrong() {
    insta::assert_snapshot!(lowered_with("
secrets:
  a: {data: {b: {env: B}}, kubernetes: {keys: {x: c}}}
  b: {data: {b: {env: B}}, kubernetes: {namespace: Not_one, name: Neither}}
manifests:
  twice: {file: [one.yaml, two.yaml]}
  one: {inline: {apiVersion: v1, kind: ConfigMap, metadata: {name: c, labels: {token: '${var.password}'}}}}
ingress:
  web: {host: a.example.com, service: {name: web, port: 80}, annotations: {token: '${var.password}'}}
hostAliases:
  nowhere: {ip: 10.0.0.9, hostnames: [a]}
  twice: {ip: 10.0.0.9, hostnames: [a], workloads: [{kind: Deployment, name: d}, {kind: Deployment, namespace: shop, name: d}]}
", &[("one.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"), ("two.yaml", "\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\n")]), @"
    error hactl.yaml:9:51: the secret has no entry `c` (did you mean `b`?)
    error hactl.yaml:10:67: `kubernetes.name` is not valid: `Neither` cannot be the name of an object; it has small letters, digits, `-` and `.`
    error hactl.yaml:13:61: `metadata` cannot hold a sensitive value: everybody who may list objects is shown it (use a value that is not sensitive here, and a Secret for what is)
    error hactl.yaml:15:3: `metadata` cannot hold a sensitive value: everybody who may list objects is shown it (use a value that is not sensitive here, and a Secret for what is)
    error hactl.yaml:17:3: the names are wanted nowhere (name `workloads` in whose pods they resolve, or `nodes` in whose /etc/hosts they stand)
    error hactl.yaml:18:82: Deployment/shop/d is named twice (name each workload once)
    error two.yaml:4:18 one.yaml:3:18: ConfigMap/shop/c is in this manifest twice (take one of them out)
    ");
}
