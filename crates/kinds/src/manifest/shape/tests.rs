//! Mistakes that need no server to be seen.

use hactl_core::Value;

use super::super::samples::{Sample, yaml_text};
use super::checked;

/// What is said about an object.
fn said(text: &str) -> String {
    Sample::new(text).after(checked).1
}

#[test]
fn what_has_no_address() {
    let objects = [
        "metadata: {namespace: a}",
        "{apiVersion: v1, kind: [Pod], metadata: {name: 7}}",
        "{apiVersion: v1, kind: '', metadata: web}",
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: migrate-\n",
        "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: 1}}",
    ];
    for text in objects {
        assert!(Sample::new(text).after(checked).0.is_none(), "{text}");
    }
    insta::assert_snapshot!(objects.map(said).join("\n"), @"
    error 1:1: an object has no `apiVersion`
      help: write it as in `apiVersion: apps/v1`
    error 1:1: an object has no `kind`
      help: write it as in `kind: Deployment`
    error 1:11: an object has no `metadata.name`
      help: write it as in `metadata: {name: web}`

    error 1:24: `kind` of an object is a list, not text
      help: write it as in `kind: Deployment`
    error 1:48: `metadata.name` of an object is a number, not text
      help: write it as in `metadata: {name: web}`

    error 1:24: `kind` of an object is empty
      help: write it as in `kind: Deployment`
    error 1:38: an object has no `metadata.name`
      help: write it as in `metadata: {name: web}`

    error 4:17: `metadata.generateName` cannot be used: the object would be another one in every apply
      help: give it a `name`

    error 1:60: `metadata.namespace` of an object is a number, not text
      help: write the name of a namespace, or take it out
    ");
}

#[test]
fn names() {
    insta::assert_snapshot!([
        "apiVersion: apps/v1\nkind: ControllerRevision\nmetadata:\n  name: Web_1\n",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: cattle.system}",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: My-Space}",
        "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a/b}",
    ].map(said).join("\n"), @r#"
    error 4:9: `Web_1` is no name for a ControllerRevision: it has other characters than letters, digits, `-` and dots

    error 3:18: `cattle.system` is no name for a Namespace: it has a dot

    error 3:32: `My-Space` is no name for a namespace: it has upper-case letters

    error 3:18: `a/b` is no name for a Thing: it has one of the characters `/`, `%` and `"`
    "#);
}

#[test]
fn kinds() {
    insta::assert_snapshot!([
        "apiVersion: apps/v1\nkind: Deploymnet\nmetadata: {name: web}",
        "apiVersion: v1\nkind: Deployment\nmetadata: {name: web}",
        "apiVersion: example.com/v1\nkind: Deploymnet\nmetadata: {name: web}",
        "apiVersion: batch/v3\nkind: Entirely\nmetadata: {name: web}",
    ].map(said).join("\n"), @"
    error 2:7: Kubernetes has no Deploymnet in apps/v1
      help: did you mean `Deployment`?

    error 1:13: Kubernetes has no Deployment in v1
      help: write `apiVersion: apps/v1`
    ");
}

#[test]
fn a_namespace_where_there_is_none() {
    let (object, said) = Sample::new(
        "
kind: ClusterRoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata:
  name: cattle-crb
  namespace: cattle-system
",
    )
    .after(checked);
    assert_eq!(object.unwrap()["metadata"].get("namespace"), None);
    insta::assert_snapshot!(said, @"
    warning 6:14: ClusterRoleBinding cattle-crb is in no namespace; `cattle-system` is not acted on
      help: take `namespace` out
    ");
}

#[test]
fn what_a_server_wrote_is_dropped() {
    let (object, said) = Sample::new(
        "
apiVersion: apps/v1
kind: Deployment
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{}'
  creationTimestamp: '2020-01-01T00:00:00Z'
  generation: 3
  managedFields: [{manager: kubectl}]
  name: web
  namespace: ''
  resourceVersion: '17'
  uid: 6c1b
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {creationTimestamp: null, labels: {app: web}}
status: {replicas: 1}
",
    )
    .after(checked);
    assert_eq!(said, "");
    insta::assert_snapshot!(yaml_text(&Value::Map(object.unwrap())), @"
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: web
    spec:
      selector:
        matchLabels:
          app: web
      template:
        metadata:
          labels:
            app: web
    ");
}

#[test]
fn secrets_and_config_maps() {
    let text = "
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: a}
data:
  good: aHVudGVyMg==
  cut: aHVudGVyMg
  plain: hunter2!
  number: 42
stringData:
  port: 8080
stringdata: {password: hunter2}
binaryData: {}
";
    let said = said(text);
    assert!(!said.contains("hunter2") && !said.contains("aHVu") && !said.contains("8080"));
    insta::assert_snapshot!(said, @"
    error 13:13: Secret a/keys has a field `binaryData`, which no Secret has
      help: its values stand under `data` or `stringData`
    error 12:13: Secret a/keys has a field `stringdata`, which no Secret has
      help: did you mean `stringData`?
    error 11:9: `stringData.port` of Secret a/keys is a number, and Kubernetes takes text only
      help: put it in quotes
    error 9:11: `data.number` of Secret a/keys is a number, and Kubernetes takes text only
      help: put it in quotes
    error 7:8: `data.cut` of Secret a/keys is no Base64: its length is not a multiple of 4, with `=` at the end
      help: write plain text under `stringData`, or encode it with `base64 -w0 FILE`
    error 8:10: `data.plain` of Secret a/keys is no Base64: it has other characters than letters, digits, `+` and `/`
      help: write plain text under `stringData`, or encode it with `base64 -w0 FILE`
    ");
    insta::assert_snapshot!(self::said("
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {debug: true, ratio: 0.5, none: null, list: [a], text: ok}
binaryData: {logo: '<svg>'}
"), @r#"
    error 5:15: `data.debug` of ConfigMap settings is a boolean, and Kubernetes takes text only
      help: put it in quotes: `"true"`
    error 5:51: `data.list` of ConfigMap settings is a list, and Kubernetes takes text only
      help: write it as one text
    error 5:39: `data.none` of ConfigMap settings is null, and Kubernetes takes text only
      help: write `""` for an empty text, or take it out
    error 5:28: `data.ratio` of ConfigMap settings is a number, and Kubernetes takes text only
      help: put it in quotes
    error 6:20: `binaryData.logo` of ConfigMap settings is no Base64: it has other characters than letters, digits, `+` and `/`
      help: encode it with `base64 -w0 FILE`
    "#);
}

#[test]
fn hosts_of_an_ingress() {
    insta::assert_snapshot!(said("
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules:
  - host: <FQDN>
  - host: 10.0.0.1
  - host: '*.example.com'
  tls:
  - hosts: [web.example.com, 'web example']
"), @"
    error 7:11: `<FQDN>` in Ingress web is no host name: it has other characters than letters, digits, `-` and dots
      help: write a name like demo.example.com or *.example.com
    error 8:11: `10.0.0.1` in Ingress web is no host name: it is an IP address; without a host, a rule holds for every name and address
      help: write a name like demo.example.com or *.example.com
    error 11:30: `web example` in Ingress web is no host name: it has other characters than letters, digits, `-` and dots
      help: write a name like demo.example.com or *.example.com
    ");
}

#[test]
fn pods() {
    insta::assert_snapshot!(said("
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {tier: 1, public: true}
spec:
  selector: {matchLabels: {app: wbe}}
  template:
    metadata:
      labels: {app: web}
      annotations: {checked: yes, port: 9100}
    spec:
      nodeSelector: {ssd: true}
      hostAliases:
      - {ip: 192.168.1.300, hostnames: [demo.rancher.com, Demo_1]}
      containers:
      - name: web
        args: [--port, 8080]
        env:
        - {name: PORT, value: 8080}
        - {name: HOST, value: localhost}
"), @r#"
    error 6:29: `metadata.labels.public` of Deployment web is a boolean, and Kubernetes takes text only
      help: put it in quotes: `"true"`
    error 6:18: `metadata.labels.tier` of Deployment web is a number, and Kubernetes takes text only
      help: put it in quotes: `"1"`
    error 12:41: `spec.template.metadata.annotations.port` of Deployment web is a number, and Kubernetes takes text only
      help: put it in quotes: `"9100"`
    error 14:27: `spec.template.spec.nodeSelector.ssd` of Deployment web is a boolean, and Kubernetes takes text only
      help: put it in quotes: `"true"`
    error 16:14: `192.168.1.300` in `hostAliases` of Deployment web is no IP address
      help: write one like 192.168.1.100 or fd00::1
    error 16:59: `Demo_1` in `hostAliases` of Deployment web is no host name: it has other characters than letters, digits, `-` and dots
    error 21:31: `spec.template.spec.containers[0].env[0].value` of Deployment web is a number, and Kubernetes takes text only
      help: put it in quotes: `"8080"`
    error 19:24: `spec.template.spec.containers[0].args[1]` of Deployment web is a number, and Kubernetes takes text only
      help: put it in quotes: `"8080"`
    error 8:13: `spec.selector` of Deployment web does not select the pods of its own template
      They have app=web.
      help: make the labels in `spec.selector` and `spec.template.metadata.labels` equal
    "#);
}

#[test]
fn selectors() {
    let object = |spec: &str| format!("apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{name: a}}\nspec: {spec}\n");
    for spec in [
        "{selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a, more: b}}}}",
        "{selector: {matchExpressions: [{key: app, operator: In, values: [a, b]}]}, template: {metadata: {labels: {app: a}}}}",
        "{selector: {matchExpressions: [{key: app, operator: Exists}]}, template: {metadata: {labels: {app: a}}}}",
    ] {
        assert_eq!(said(&object(spec)), "", "{spec}");
    }
    insta::assert_snapshot!([
        "{template: {metadata: {labels: {app: a}}}}",
        "{selector: {matchLabels: {app: a}}, template: {spec: {}}}",
        "{selector: {matchExpressions: [{key: app, operator: NotIn, values: [a]}]}, template: {metadata: {labels: {app: a}}}}",
    ].map(|spec| said(&object(spec))).join("\n"), @"
    error 4:7: DaemonSet a has no `spec.selector`
      help: write `selector: {matchLabels: …}` with labels of its template

    error 4:18: `spec.selector` of DaemonSet a does not select the pods of its own template
      They have no labels.
      help: make the labels in `spec.selector` and `spec.template.metadata.labels` equal

    error 4:18: `spec.selector` of DaemonSet a does not select the pods of its own template
      They have app=a.
      help: make the labels in `spec.selector` and `spec.template.metadata.labels` equal
    ");
}

#[test]
fn cron_jobs_have_their_pod_deeper() {
    insta::assert_snapshot!(said("
apiVersion: batch/v1
kind: CronJob
metadata: {name: backup}
spec:
  jobTemplate:
    spec:
      template:
        spec: {hostAliases: [{ip: gateway}]}
"), @"
    error 9:35: `gateway` in `hostAliases` of CronJob backup is no IP address
      help: write one like 192.168.1.100 or fd00::1
    ");
}

#[test]
fn values_that_are_not_known_yet_are_not_judged() {
    use hactl_core::expr::Expr;
    let sample = Sample::new(
        "
apiVersion: v1
kind: Secret
metadata: {name: keys}
data: {a: x}
",
    );
    let ((), said) = sample.after(|mut object, places, diagnostics| {
        let later = Value::deferred(Expr::variable("later"), true);
        object.insert("data".to_owned(), Value::Map([("a".to_owned(), later)].into()));
        assert!(checked(object.clone(), places, diagnostics).is_some());
        object.insert("kind".to_owned(), Value::deferred(Expr::variable("kind"), false));
        assert!(checked(object, places, diagnostics).is_none());
    });
    insta::assert_snapshot!(said, @"
    error 3:7: `kind` of an object has to be known in the plan
      help: write it as in `kind: Deployment`
    ");
}

#[test]
fn parts_of_any_form_do_no_harm() {
    let parts = ["1", "text", "[]", "{}", "null", "[[1], {}]", "{a: [1]}"];
    let paths = [
        "spec: PART",
        "data: PART",
        "metadata: {name: a, labels: PART, annotations: PART}",
        "spec: {template: PART, selector: PART, rules: PART, tls: PART}",
        "spec: {selector: {matchLabels: PART, matchExpressions: PART}, template: {metadata: {labels: PART}}}",
        "spec: {template: {metadata: PART, spec: PART}}",
        "spec: {template: {spec: {hostAliases: PART, containers: PART, nodeSelector: PART}}}",
        "spec: {template: {spec: {hostAliases: [PART], containers: [{env: PART, args: PART}]}}}",
    ];
    for (api_version, kind) in [("v1", "Secret"), ("apps/v1", "Deployment"), ("networking.k8s.io/v1", "Ingress")] {
        for part in parts {
            for path in paths {
                let text = path.replace("PART", part);
                let name = if path.starts_with("metadata") { "" } else { "metadata: {name: a}\n" };
                let text = format!("apiVersion: {api_version}\nkind: {kind}\n{name}{text}\n");
                assert!(Sample::new(&text).after(checked).0.is_some(), "{text}");
            }
        }
    }
}
