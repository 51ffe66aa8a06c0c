//! Random configs of one stack: what changes from one apply to the next.

use std::fmt::Write;

use fastrand::Rng;

/// What a config has; every field is changed now and then by [`Stack::change`].
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    services: [Option<Service>; SERVICES],
    files: [Option<u8>; FILES],
    /// Length of the generated password; another one makes it anew.
    password: u8,
    certificate: bool,
    /// Data of a map, replicas of a workload and whether there is a Secret, on the cluster.
    objects: Option<(u8, u8, bool)>,
    names: Option<u8>,
    /// The sensitive variable.
    token: String,
    /// What was renamed, oldest first: its number, and what its name ended with before and after.
    moved: Vec<(usize, u8, u8)>,
}

#[derive(Debug, Clone)]
struct Service {
    /// What its name ends with; it is the container's as well.
    name: u8,
    version: u8,
    memory: Option<u8>,
    nodes: usize,
    file: Option<usize>,
    needs: Option<usize>,
    port: Option<u8>,
    network: bool,
    health: bool,
    volume: bool,
    secret: bool,
    unavailable: u8,
}

const SERVICES: usize = 4;
const FILES: usize = 3;

impl Stack {
    /// A stack with about half of what there can be.
    pub(crate) fn random(random: &mut Rng) -> Self {
        let mut stack = Self {
            services: [const { None }; SERVICES],
            files: [None; FILES],
            password: 20,
            certificate: random.bool(),
            objects: random.bool().then(|| (0, 1, random.bool())),
            names: random.bool().then_some(0),
            token: token(random),
            moved: Vec::new(),
        };
        for service in &mut stack.services {
            *service = (random.u8(..10) < 7).then(|| Service::random(random));
        }
        for file in &mut stack.files {
            *file = (random.u8(..10) < 7).then(|| random.u8(..3));
        }
        stack
    }

    /// Changes one to three things.
    pub(crate) fn change(&mut self, random: &mut Rng) {
        for _ in 0..random.usize(1..=3) {
            match random.u8(..11) {
                10 => self.rename(random),
                0..=4 => {
                    let number = random.usize(..SERVICES);
                    let service = &mut self.services[number];
                    *service = match service.take() {
                        Some(_) if random.u8(..4) == 0 => {
                            // What is not there cannot be moved to.
                            self.moved.retain(|(moved, ..)| *moved != number);
                            None
                        }
                        Some(mut service) => {
                            service.change(random);
                            Some(service)
                        }
                        None => Some(Service::random(random)),
                    };
                }
                5 => {
                    let file = &mut self.files[random.usize(..FILES)];
                    *file = if random.u8(..4) == 0 { None } else { Some(random.u8(..4)) };
                }
                6 => self.password = random.u8(16..24),
                7 => self.certificate = !self.certificate,
                8 => self.objects = (random.u8(..4) > 0).then(|| (random.u8(..3), random.u8(1..4), random.bool())),
                _ if random.bool() => self.names = random.bool().then(|| random.u8(..3)),
                _ => self.token = token(random),
            }
        }
    }

    /// Gives a service another name, and says so.
    fn rename(&mut self, random: &mut Rng) {
        let number = random.usize(..SERVICES);
        if let Some(service) = &mut self.services[number] {
            let name = self.moved.len() as u8 + 1;
            self.moved.push((number, service.name, name));
            service.name = name;
        }
    }

    /// What a service is called.
    fn name(&self, number: usize) -> String {
        let name = self.services[number].as_ref().map_or(0, |service| service.name);
        resource_name(number, name)
    }

    /// The value of the sensitive variable.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The text of the config.
    pub(crate) fn config(&self) -> String {
        let mut text = String::from(
            "hactl: 1\nname: test\nvariables: {token: {sensitive: true}}\n\
             nodes:\n  n1: {address: 10.0.0.1}\n  n2: {address: 10.0.0.2}\n  n3: {address: 10.0.0.3}\nkubernetes: {}\n",
        );
        self.secrets(&mut text);
        self.files(&mut text);
        text += "containers:\n  base: {nodes: [n1], image: \"base:1\"}\n";
        for (number, service) in self.services.iter().enumerate() {
            if let Some(service) = service {
                self.service(&mut text, number, service);
            }
        }
        text += if self.moved.is_empty() { "" } else { "moved:\n" };
        for (number, from, to) in &self.moved {
            let (from, to) = (resource_name(*number, *from), resource_name(*number, *to));
            let _ = writeln!(text, "  - {{from: container.{from}, to: container.{to}}}");
        }
        self.on_cluster(&mut text);
        if let Some(names) = self.names {
            let _ = writeln!(
                text,
                "hostAliases:\n  api: {{ip: 10.0.0.9, hostnames: [a{names}.example.com], nodes: [n1, n2]}}"
            );
        }
        text
    }

    fn secrets(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "secrets:\n  ca: {{generate: {{certificateAuthority: {{commonName: Test CA}}}}}}\n  \
             db: {{generate: {{password: {{length: {}}}}}}}",
            self.password
        );
        if self.certificate {
            *text += "  tls: {generate: {certificate: {issuer: ca, dnsNames: [test.example.com]}}}\n";
        }
        if self.objects.is_some_and(|(_, _, secret)| secret) {
            *text += "  login: {data: {token: \"${var.token}\"}, kubernetes: {namespace: shop}, dependsOn: [manifest.shop]}\n";
        }
    }

    fn files(&self, text: &mut String) {
        *text += "files:\n  base: {nodes: all, path: /srv/base, content: base}\n  \
                  ca: {nodes: all, path: /srv/ca.pem, content: \"${secret.ca.certificate}\"}\n  \
                  token: {nodes: [n2], path: /srv/token, content: \"${var.token}\"}\n";
        if self.certificate {
            *text += "  tls: {nodes: [n1, n3], path: /srv/tls.pem, content: \"${secret.tls.chain}${secret.tls.privateKey}\"}\n";
        }
        for (number, version) in self.files.iter().enumerate() {
            if let Some(version) = version {
                let _ = writeln!(text, "  f{number}: {{nodes: all, path: /srv/f{number}, content: v{version}}}");
            }
        }
    }

    fn service(&self, text: &mut String, number: usize, service: &Service) {
        let nodes = ["all", "[n1, n2]", "[n2, n3]", "[n3]"][service.nodes];
        let _ = write!(text, "  {}: {{nodes: {nodes}, image: \"app:{}\"", self.name(number), service.version);
        if let Some(memory) = service.memory {
            let _ = write!(text, ", memory: {}m", 16 + u32::from(memory));
        }
        let mut mounts = Vec::new();
        if let Some(file) = service.file.filter(|file| self.files[*file].is_some()) {
            mounts.push(format!("\"${{file.f{file}.path}}:/f\""));
        }
        if service.volume {
            mounts.push(format!("\"data{number}:/data\""));
        }
        let _ = write!(text, ", volumes: [{}]", mounts.join(", "));
        // Only what comes earlier, so that there is no circle.
        if let Some(needs) = service.needs.filter(|needs| *needs < number && self.services[*needs].is_some()) {
            let _ = write!(text, ", dependsOn: [container.{}]", self.name(needs));
        }
        if let Some(port) = service.port {
            // A port that two ask for would be a clash: each has four of its own.
            let _ = write!(text, ", ports: [\"{}:80\"]", 8000 + number * 4 + usize::from(port));
        }
        if service.network {
            *text += ", network: front";
        }
        if service.secret {
            *text += ", env: {PASSWORD: \"${secret.db.value}\"}";
        }
        if service.health {
            let _ = write!(text, ", health: {{timeout: 2s}}, rollout: {{maxUnavailable: {}}}", service.unavailable);
        }
        *text += "}\n";
    }

    fn on_cluster(&self, text: &mut String) {
        let Some((data, replicas, _)) = self.objects else { return };
        let _ = write!(
            text,
            r#"manifests:
  shop:
    inline:
      - {{apiVersion: v1, kind: Namespace, metadata: {{name: shop}}}}
      - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: settings, namespace: shop}}, data: {{a: "{data}"}}}}
      - apiVersion: apps/v1
        kind: Deployment
        metadata: {{name: web, namespace: shop}}
        spec:
          replicas: {replicas}
          selector: {{matchLabels: {{app: web}}}}
          template: {{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: web, image: "web:{data}"}}]}}}}
"#
        );
    }
}

impl Service {
    fn random(random: &mut Rng) -> Self {
        let some = |random: &mut Rng, below: u8| random.bool().then(|| random.u8(..below));
        Self {
            name: 0,
            version: random.u8(..3),
            memory: some(random, 2),
            nodes: random.usize(..4),
            file: some(random, FILES as u8).map(usize::from),
            needs: some(random, SERVICES as u8).map(usize::from),
            port: some(random, 4),
            network: random.bool(),
            health: random.bool(),
            volume: random.bool(),
            secret: random.bool(),
            unavailable: random.u8(1..3),
        }
    }

    fn change(&mut self, random: &mut Rng) {
        let new = Self::random(random);
        match random.u8(..9) {
            0..=2 => self.version = new.version,
            3 => self.memory = new.memory,
            4 => self.nodes = new.nodes,
            5 => (self.file, self.needs) = (new.file, new.needs),
            6 => self.port = new.port,
            7 => (self.network, self.volume) = (new.network, new.volume),
            _ => (self.health, self.secret, self.unavailable) = (new.health, new.secret, new.unavailable),
        }
    }
}

/// The name of a service that was renamed so often.
fn resource_name(number: usize, name: u8) -> String {
    if name == 0 { format!("c{number}") } else { format!("c{number}-{name}") }
}

/// A value that nothing else contains.
fn token(random: &mut Rng) -> String {
    format!("token-{:016x}{:016x}", random.u64(..), random.u64(..))
}
