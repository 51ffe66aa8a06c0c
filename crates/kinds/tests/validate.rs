//! What is said about a config that is wrong: every mistake of every phase at once, each with its place.
#![expect(clippy::disallowed_methods, reason = "tests make and damage files as they like")]

use hactl_config::{LoadFailure, SourceMap, VariableInputs, load};
use hactl_core::Diagnostic;
use hactl_kinds::{SECTIONS, all_mistakes, lower, mistakes, uses_facts};

/// Two nodes; 5 lines.
const START: &str = "\
hactl: 1
name: shop
nodes:
  n1: {address: 10.0.0.1, roles: [worker]}
  n2: {address: 10.0.0.2, roles: [worker]}
";

/// All that is wrong with a config, one line each: `line:column: summary (help)`.
fn wrong(text: &str) -> String {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("hactl.yaml");
    std::fs::write(&path, text).expect("the config is written");
    let said = match load(&path, SECTIONS, &VariableInputs::default()) {
        Err(failure) => {
            let LoadFailure { sources, diagnostics, .. } = all_mistakes(failure);
            show(&sources, &diagnostics)
        }
        Ok(config) => match lower(&config, None) {
            Err(diagnostics) => show(&config.sources, &diagnostics),
            Ok(_) => "nothing".to_owned(),
        },
    };
    said.replace(&*directory.path().to_string_lossy(), ".")
}

fn show(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let places = diagnostic.labels.iter().map(|label| {
            let (line, column) = sources.position(label.span);
            format!("{line}:{column}")
        });
        text.push_str(&format!("{}: {}", places.collect::<Vec<_>>().join(" "), diagnostic.summary));
        if let Some(help) = &diagnostic.help {
            text.push_str(&format!(" ({help})"));
        }
        text.push('\n');
    }
    text
}

/// What is wrong with each of some container specs.
fn containers(specs: &[&str]) -> String {
    each("containers", specs)
}

fn each(section: &str, specs: &[&str]) -> String {
    let mut text = String::new();
    for spec in specs {
        let said = wrong(&format!("{START}{section}:\n  xx: {{nodes: all, {spec}}}\n"));
        text.push_str(&format!("{spec}\n"));
        for line in said.lines() {
            text.push_str(&format!("    {}\n", line.split_once(": ").map_or(line, |(_, said)| said)));
        }
    }
    text
}

#[test]
fn all_mistakes_of_all_phases_at_once() {
    insta::assert_snapshot!(wrong(&format!("{START}\
containers:
  keyed: {{nodes: all, imgae: x, image: '${{file.missing.path}}'}}
  refers: {{nodes: all, image: x, volumes: ['${{file.nope.path}}:/x']}}
  one: {{nodes: all, image: x, ports: ['80:80']}}
  two: {{nodes: [n1], image: x, ports: ['80:8080']}}
  here: {{nodes: all, image: x, env: {{A: '${{container.there.name}}'}}}}
  there: {{nodes: all, image: x, env: {{A: '${{container.here.name}}', B: '${{var.none}}'}}}}
  typed: {{nodes: all, image: x, ports: 8080}}
  waits: {{nodes: all, image: x, dependsOn: [file.gone, container.typed]}}
  taken: {{nodes: all, image: x, adopt: true}}
  follows-typed: {{nodes: all, image: x, volumes: ['${{container.typed.name}}:/x']}}
  follows-refers: {{nodes: all, image: x, name: '${{container.refers.name}}-b', command: ['${{join(\",\", container.refers[*].name)}}']}}
  follows-circle: {{nodes: all, image: x, name: '${{container.here.name}}-c'}}
  late: {{nodes: all, image: x, cpus: 'text ${{self.node.cpus}}'}}
files:
  shaped: {{nodes: all, path: relative, content: x}}
  follows-shaped: {{nodes: all, path: '${{file.shaped.path}}.d', content: x}}
outputs:
  right: '${{container.typed[\"n1\"].name}}'
  wrong: '${{container.one[\"n9\"].id}}'
")), @r#"
7:23: unknown key `imgae` (did you mean `image`?)
7:43: there is no file `missing` (there are: follows-shaped, shaped)
8:47: there is no file `nope` (there are: follows-shaped, shaped)
10:3 9:3: container.one["n1"] and container.two["n1"] both want port 80/tcp on n1 (give one of them another, or other nodes)
12:45 11:44: resources need each other in a circle (take one of these references or `dependsOn` entries out)
12:74: there is no variable `none` (there are no variables)
13:40: `ports` is a number, expected a list
14:45: there is no resource file.gone (`dependsOn` names resources of this config, as in `file.site`)
21:30: `path` is not valid: `relative` is not an absolute path; it starts with /
25:13: container.one has no instance on `n9` (it is on n1, n2)
"#);
}

#[test]
fn nothing_follows_from_what_could_not_be_read() {
    insta::assert_snapshot!(wrong("\
hactl: 1
name: shop
variabels: {stage: x}
node:
  n1: {address: a}
manifests: {token: {}}
files: []
container:
  api: {nodes: all, image: x}
containers:
  web:
    nodes: [n1]
    image: x:${var.stage}
    dependsOn: [file.a, container.api]
    env: {A: '${node.n1.address}', B: '${manifest.token.value}', C: '${file.a.path}', D: '${container.api.name}'}
  other: {nodes: all, image: x}
outputs: {api: '${container.api[\"n1\"].id}'}
"), @"
    3:1: unknown key `variabels` (did you mean `variables`?)
    4:1: unknown key `node` (did you mean `nodes`?)
    6:13: the manifest `token` has no objects (name a `file` or a `directory`, or write them under `inline`)
    7:1: `files` is a list, expected a map of names
    8:1: unknown key `container` (did you mean `containers`?)
    ");
    insta::assert_snapshot!(wrong("\
hactl: 1
name: shop
nodes:
  n1: {address: a}
  n2: {adress: b}
files:
  site: {nodes: [n1, n2], path: /srv/site, content: x}
containers:
  web: {nodes: [n1], image: x, env: {A: '${file.site[\"n2\"].path}', B: '${node.n2.address}'}}
"), @"5:8: unknown key `adress` (did you mean `address`?)");
}

#[test]
fn facts_are_not_judged_before_they_are_known() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hactl.yaml");
    let text = format!("{START}containers:\n  xx: {{nodes: all, image: x, cpus: '${{self.node.cpus}}'}}\n");
    std::fs::write(&path, text).unwrap();
    let config = load(&path, SECTIONS, &VariableInputs::default()).unwrap();
    assert_eq!(mistakes(&config), []);
}

#[test]
fn nodes_are_asked_for_facts_only_where_a_config_uses_them() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.tpl"), "${self.node.name} has ${self.node.cpus}").unwrap();
    let uses = |field: &str| {
        let path = directory.path().join("hactl.yaml");
        std::fs::write(&path, format!("{START}files:\n  xx: {{nodes: all, path: /x, {field}}}\n")).unwrap();
        uses_facts(&load(&path, SECTIONS, &VariableInputs::default()).unwrap())
    };
    for field in [
        "content: '${self.node.os}'",
        "content: '${node[\"n1\"].memory}'",
        "content: '${[for n in node : n.kernel][0]}'",
        "content: '${[for name, n in node : [for m in node : \"${n.name}${m.os}\"][0]][0]}'",
        "content: '${jsonencode(node.n1)}'",
        "content: '${jsonencode([for n in node : n])}'",
        "content: '${jsonencode(node)}'",
        "template: a.tpl",
    ] {
        assert!(uses(field), "{field}");
    }
    for field in [
        "content: '${self.node.name} ${node.n1.address}'",
        "content: '${join(\",\", [for n in node : n.address])}'",
        "content: '${join(\",\", [for node in [{os = 1}] : node.os])}'",
    ] {
        assert!(!uses(field), "{field}");
    }
}

#[test]
fn every_key_of_a_container() {
    insta::assert_snapshot!(containers(&[
        "image: 1.4",
        "image: 'a b'",
        "image: x, pull: sometimes",
        "image: x, name: 'a b'",
        "image: x, entrypoint: sh",
        "image: x, command: [[a]]",
        "image: x, env: [A=b]",
        "image: x, env: {A: [b]}",
        "image: x, env: {A: 1, B: true, C: 1.5}",
        "image: x, env: {A: }",
        "image: x, labels: {a: {b: c}}",
        "image: x, ports: ['80']",
        "image: x, ports: [80]",
        "image: x, ports: ['80:80', '80:81']",
        "image: x, volumes: [data]",
        "image: x, volumes: ['aa:/x', 'bb:/x']",
        "image: x, tmpfs: {/tmp: 64}",
        "image: x, network: 'a b'",
        "image: x, network: host, ports: ['80:80']",
        "image: x, restart: sometimes",
        "image: x, restart: no",
        "image: x, restart: false",
        "image: x, user: 1000",
        "image: x, workdir: [a]",
        "image: x, hostname: 7",
        "image: x, capAdd: NET_ADMIN",
        "image: x, capDrop: [1]",
        "image: x, privileged: 'yes'",
        "image: x, pid: 1",
        "image: x, ipc: 1",
        "image: x, extraHosts: {a: b}",
        "image: x, dns: 1.1.1.1",
        "image: x, sysctls: [a]",
        "image: x, sysctls: {net.core.somaxconn: 1024}",
        "image: x, ulimits: {nofile: many}",
        "image: x, ulimits: {nofile: {soft: 1}}",
        "image: x, ulimits: {nofile: {soft: 1, hard: 2, firm: 3}}",
        "image: x, devices: [sda]",
        "image: x, shmSize: 1 gig",
        "image: x, shmSize: 64",
        "image: x, logging: json-file",
        "image: x, logging: {driver: x, options: [a]}",
        "image: x, cpus: two",
        "image: x, cpus: 0",
        "image: x, memory: 12 elephants",
        "image: x, healthcheck: {command: curl}",
        "image: x, healthcheck: {command: [a], interval: 5}",
        "image: x, healthcheck: {command: [a], retries: -1}",
        "image: x, healthcheck: {comand: [a]}",
        "image: x, stopSignal: 9",
        "image: x, stopGracePeriod: soon",
        "image: x, health: {http: {path: /x}}",
        "image: x, health: {http: {port: 0}}",
        "image: x, health: {tcp: 80}",
        "image: x, health: {tcp: {port: 80}, exec: [a]}",
        "image: x, health: {exec: a, timeout: long}",
        "image: x, health: {https: {port: 1}}",
        "image: x, rollout: {maxUnavailable: 0}",
        "image: x, rollout: {maxUnavailable: half}",
        "image: x, rollout: {maxUnavailable: [1]}",
        "image: x, rollout: {onFailure: pray}",
        "image: x, onFileChange: explode",
        "image: x, onFileChange: {reload: {signal: 1}}",
        "image: x, onFileChange: {reload: {signl: HUP}}",
        "image: x, onFileChange: {reload: HUP}",
        "image: x, onFileChange: {relod: {signal: HUP}}",
        "image: x, onFileChange: {reload: {signal: HUP}}",
        "image: x, onFileChange: {reload: {exec: [a]}}",
        "image: x, onFileChange: {reload: {signal: HUP, exec: [a]}}",
        "image: x, colour: red",
        "image: x, x-note: anything",
    ]), @r#"
image: 1.4
    `image` is a number, expected text (put it in quotes)
image: 'a b'
    `image` is not valid: `a b` is not an image; write one like nginx:1.25 or registry.example.com/web:1.4
image: x, pull: sometimes
    `pull` cannot be `sometimes` (allowed words: `missing`, `always`, `never`)
image: x, name: 'a b'
    `name` is not valid: `a b` is not a name Docker takes; it has at least two characters, starts with a letter or digit and holds letters, digits, `_`, `.`, `-`
image: x, entrypoint: sh
    `entrypoint` is text, expected a list
image: x, command: [[a]]
    `command[0]` is a list, expected text or a number or `true` or `false`
image: x, env: [A=b]
    `env` is a list, expected a map
image: x, env: {A: [b]}
    `env.A` is a list, expected text or a number or `true` or `false`
image: x, env: {A: 1, B: true, C: 1.5}
    nothing
image: x, env: {A: }
    `env.A` is empty, expected text or a number or `true` or `false`
image: x, labels: {a: {b: c}}
    `labels.a` is a map, expected text or a number or `true` or `false`
image: x, ports: ['80']
    `ports[0]` is not valid: `80` is not a published port; write HOST:CONTAINER, like "8080:80" or "127.0.0.1:53:53/udp"
image: x, ports: [80]
    `ports[0]` is a number, expected text (put it in quotes)
image: x, ports: ['80:80', '80:81']
    port 80/tcp is published twice (take one of them out)
image: x, volumes: [data]
    `volumes[0]` is not valid: `data` is not a mount; write SOURCE:TARGET[:ro], like "/srv/www:/www:ro" or "data:/var/lib/data"
image: x, volumes: ['aa:/x', 'bb:/x']
    two volumes are mounted at /x (give one of them another target)
image: x, tmpfs: {/tmp: 64}
    `tmpfs./tmp` is a number, expected text (put it in quotes)
image: x, network: 'a b'
    `network` is not valid: `a b` is not a name Docker takes; it has at least two characters, starts with a letter or digit and holds letters, digits, `_`, `.`, `-`
image: x, network: host, ports: ['80:80']
    ports cannot be published on network host (leave `ports` out, or take another network)
image: x, restart: sometimes
    `restart` is not valid: `sometimes` is not a restart policy; there are no, always, unless-stopped, on-failure and on-failure:N
image: x, restart: no
    nothing
image: x, restart: false
    `restart` is a boolean, expected text (put it in quotes)
image: x, user: 1000
    `user` is a number, expected text (put it in quotes)
image: x, workdir: [a]
    `workdir` is a list, expected text
image: x, hostname: 7
    `hostname` is a number, expected text (put it in quotes)
image: x, capAdd: NET_ADMIN
    `capAdd` is text, expected a list
image: x, capDrop: [1]
    `capDrop[0]` is a number, expected text (put it in quotes)
image: x, privileged: 'yes'
    `privileged` is text, expected `true` or `false` (write `true` or `false`, without quotes)
image: x, pid: 1
    `pid` is a number, expected text (put it in quotes)
image: x, ipc: 1
    `ipc` is a number, expected text (put it in quotes)
image: x, extraHosts: {a: b}
    `extraHosts` is a map, expected a list
image: x, dns: 1.1.1.1
    `dns` is text, expected a list
image: x, sysctls: [a]
    `sysctls` is a list, expected a map
image: x, sysctls: {net.core.somaxconn: 1024}
    nothing
image: x, ulimits: {nofile: many}
    `ulimits.nofile` is text, expected a whole number or a map
image: x, ulimits: {nofile: {soft: 1}}
    `hard` is missing in `ulimits.nofile` (add `hard:` with a whole number)
image: x, ulimits: {nofile: {soft: 1, hard: 2, firm: 3}}
    unknown key `firm` in `ulimits.nofile` (known keys: `hard`, `soft`)
image: x, devices: [sda]
    `sda` is not a device; write HOST[:CONTAINER[:rwm]] (devices start with /dev/)
image: x, shmSize: 1 gig
    `shmSize` is not valid: `1 gig` is not a size; write one like 512m or 2g
image: x, shmSize: 64
    `shmSize` is a number, expected text (put it in quotes)
image: x, logging: json-file
    `logging` is text, expected a map
image: x, logging: {driver: x, options: [a]}
    `logging.options` is a list, expected a map
image: x, cpus: two
    `cpus` is text, expected a number
image: x, cpus: 0
    `cpus` is 0, expected from 0.01 to 4096
image: x, memory: 12 elephants
    `memory` is not valid: `12 elephants` is not a size; write one like 512m or 2g
image: x, healthcheck: {command: curl}
    `healthcheck.command` is text, expected a list
image: x, healthcheck: {command: [a], interval: 5}
    `healthcheck.interval` is a number, expected text (put it in quotes)
image: x, healthcheck: {command: [a], retries: -1}
    `healthcheck.retries` is -1, expected at least 0
image: x, healthcheck: {comand: [a]}
    unknown key `comand` in `healthcheck` (did you mean `command`?)
image: x, stopSignal: 9
    `stopSignal` is a number, expected text (put it in quotes)
image: x, stopGracePeriod: soon
    `stopGracePeriod` is not valid: `soon` is not a duration; write one like 500ms, 30s, 1m30s or 2h
image: x, health: {http: {path: /x}}
    `port` is missing in `health.http` (add `port:` with a whole number)
image: x, health: {http: {port: 0}}
    `health.http.port` is 0, expected from 1 to 65535
image: x, health: {tcp: 80}
    `health.tcp` is a number, expected a map
image: x, health: {tcp: {port: 80}, exec: [a]}
    `http`, `tcp` and `exec` exclude each other (keep one of them)
image: x, health: {exec: a, timeout: long}
    `health.exec` is text, expected a list
    `health.timeout` is not valid: `long` is not a duration; write one like 500ms, 30s, 1m30s or 2h
image: x, health: {https: {port: 1}}
    unknown key `https` in `health` (did you mean `http`?)
image: x, rollout: {maxUnavailable: 0}
    `rollout.maxUnavailable` is 0, expected at least 1
image: x, rollout: {maxUnavailable: half}
    `rollout.maxUnavailable` is not valid: `half` is neither a number of instances nor a share like 25%
image: x, rollout: {maxUnavailable: [1]}
    `rollout.maxUnavailable` is a list, expected a whole number or text
image: x, rollout: {onFailure: pray}
    `rollout.onFailure` cannot be `pray` (allowed words: `rollback`, `stop`)
image: x, onFileChange: explode
    `onFileChange` cannot be `explode` (allowed words: `restart`, `ignore`)
image: x, onFileChange: {reload: {signal: 1}}
    `onFileChange.reload.signal` is a number, expected text (put it in quotes)
image: x, onFileChange: {reload: {signl: HUP}}
    unknown key `signl` in `onFileChange.reload` (did you mean `signal`?)
image: x, onFileChange: {reload: HUP}
    `onFileChange.reload` is text, expected a map
image: x, onFileChange: {relod: {signal: HUP}}
    unknown key `relod` in `onFileChange` (did you mean `reload`?)
image: x, onFileChange: {reload: {signal: HUP}}
    nothing
image: x, onFileChange: {reload: {exec: [a]}}
    nothing
image: x, onFileChange: {reload: {signal: HUP, exec: [a]}}
    `signal` and `exec` exclude each other in `onFileChange.reload` (keep one of them)
image: x, colour: red
    unknown key `colour` (known keys: `adopt`, `capAdd`, `capDrop`, `command`, `cpus`, `dependsOn`, `devices`, `dns`, `entrypoint`, `env`, `extraHosts`, `health`, `healthcheck`, `hostname`, `ignoreChanges`, `image`, `ipc`, `labels`, `logging`, `memory`, …)
image: x, x-note: anything
    nothing
"#);
}

#[test]
fn every_key_of_a_file() {
    insta::assert_snapshot!(each("files", &[
        "content: x",
        "path: 7, content: x",
        "path: srv/x, content: x",
        "path: /srv/x/, content: x",
        "path: /srv/../x, content: x",
        "path: /x",
        "path: /x, content: [a]",
        "path: /x, content: 7",
        "path: /x, content: ''",
        "path: /x, content: x, source: y",
        "path: /x, source: 7",
        "path: /x, source: missing.bin",
        "path: /x, template: missing.tpl",
        "path: /x, template: [a]",
        "path: /x, template: false, content: '${'",
        "path: /x, content: x, mode: 644",
        "path: /x, content: x, mode: 0644",
        "path: /x, content: x, mode: rw-r--r--",
        "path: /x, content: x, owner: 1000, group: web",
        "path: /x, content: x, owner: [root]",
        "path: /x, content: x, group: {name: web}",
        "path: /x, contnet: x",
    ]), @r#"
content: x
    `path` is missing (add `path:` with text)
path: 7, content: x
    `path` is a number, expected text (put it in quotes)
path: srv/x, content: x
    `path` is not valid: `srv/x` is not an absolute path; it starts with /
path: /srv/x/, content: x
    `path` is not valid: `/srv/x/` names a directory; write the path without the last /
path: /srv/../x, content: x
    `path` is not valid: `/srv/../x` is not a plain path; leave out empty, `.` and `..` parts
path: /x
    the file has no content (give it one of `content`, `source` or `template`; an empty file has `content: ""`)
path: /x, content: [a]
    `content` is a list, expected text or a number or `true` or `false`
path: /x, content: 7
    nothing
path: /x, content: ''
    nothing
path: /x, content: x, source: y
    `content`, `source` and `template` exclude each other (keep one of them)
path: /x, source: 7
    `source` is a number, expected text (put it in quotes)
path: /x, source: missing.bin
    cannot read the file `missing.bin`: there is no such file (relative paths start at the config's directory; this one is ./missing.bin)
path: /x, template: missing.tpl
    cannot read the file `missing.tpl`: there is no such file (relative paths start at the config's directory; this one is ./missing.tpl)
path: /x, template: [a]
    `template` is a list, expected text or `true` or `false`
path: /x, template: false, content: '${'
    nothing
path: /x, content: x, mode: 644
    `mode` is a number, expected text (put it in quotes)
path: /x, content: x, mode: 0644
    nothing
path: /x, content: x, mode: rw-r--r--
    `mode` is not valid: `rw-r--r--` is not a file mode; write octal digits in quotes, like "0644"
path: /x, content: x, owner: 1000, group: web
    nothing
path: /x, content: x, owner: [root]
    `owner` is a list, expected text or a number or `true` or `false`
path: /x, content: x, group: {name: web}
    `group` is a map, expected text or a number or `true` or `false`
path: /x, contnet: x
    unknown key `contnet` (did you mean `content`?)
"#);
}
