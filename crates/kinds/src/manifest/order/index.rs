//! The objects by what others know them by.

use std::collections::HashMap;

use hactl_core::value::{Map, Value};

use super::super::pods::{at_path, items, selects, text};
use super::{Item, Stage};

/// Places in the list of objects, by name, by label, and by what extends the API with them.
#[derive(Default)]
pub(super) struct Index<'a> {
    named: HashMap<(&'a str, &'a str, &'a str), usize>,
    /// Workloads by namespace.
    workloads: HashMap<&'a str, Workloads<'a>>,
    /// Workloads by namespace and one of the labels of their pods.
    labelled: HashMap<(&'a str, &'a str, &'a str), Workloads<'a>>,
    /// Bindings by the service account that they name: namespace and name.
    bindings: HashMap<(&'a str, &'a str), Vec<usize>>,
    /// Definitions by group and kind.
    definitions: HashMap<(&'a str, &'a str), Vec<usize>>,
    /// Aggregated APIs by group and version.
    services: HashMap<(&'a str, &'a str), Vec<usize>>,
    /// Webhooks by a group that they are called for.
    webhooks: HashMap<&'a str, Vec<usize>>,
}

/// Workloads and the labels of their pods.
type Workloads<'a> = Vec<(usize, &'a Map)>;

impl<'a> Index<'a> {
    pub(super) fn new(objects: &[Item<'a>]) -> Self {
        let mut index = Self::default();
        for (at, item) in objects.iter().enumerate() {
            if item.stage != Stage::Custom {
                index.named.insert((item.kind, item.namespace, item.name), at);
            }
            match (item.stage, item.kind) {
                (Stage::Workload, _) => index.add_workload(at, item),
                (Stage::RoleBinding, _) => index.add_binding(at, item),
                (_, "CustomResourceDefinition") => {
                    let text = |path: &[&str]| text(item.object, path).unwrap_or_default();
                    let defined = (text(&["spec", "group"]), text(&["spec", "names", "kind"]));
                    index.definitions.entry(defined).or_default().push(at);
                }
                (_, "APIService") => {
                    let text = |path: &[&str]| text(item.object, path).unwrap_or_default();
                    let served = (text(&["spec", "group"]), text(&["spec", "version"]));
                    index.services.entry(served).or_default().push(at);
                }
                (Stage::Extension, _) => index.add_webhooks(at, item),
                _ => {}
            }
        }
        index
    }

    /// The object of a built-in kind; `namespace` is empty for those in none.
    pub(super) fn named(&self, kind: &str, namespace: &str, name: &str) -> Option<usize> {
        self.named.get(&(kind, namespace, name)).copied()
    }

    /// The bindings that name a service account.
    pub(super) fn bindings_of(&self, namespace: &str, account: &str) -> Vec<usize> {
        self.bindings.get(&(namespace, account)).cloned().unwrap_or_default()
    }

    /// What has to be there for a custom resource: its definition or aggregated API, and webhooks that are called for its group.
    pub(super) fn extensions_of(&self, item: &Item<'_>) -> Vec<usize> {
        let definitions = self.definitions.get(&(item.group, item.kind));
        let services = self.services.get(&(item.group, item.version));
        let webhooks = self.webhooks.get(item.group);
        [definitions, services, webhooks].into_iter().flatten().flatten().copied().collect()
    }

    /// The workloads of a namespace whose pods a label selector selects.
    pub(super) fn selected(&self, namespace: &str, selector: &Value) -> Vec<usize> {
        let equal = selector.get("matchLabels").and_then(Value::as_map);
        let label = equal.and_then(|labels| labels.iter().find_map(|(key, value)| Some((&**key, value.as_str()?))));
        let near = match label {
            Some((key, value)) => self.labelled.get(&(namespace, key, value)),
            None => self.workloads.get(namespace),
        };
        near.into_iter().flatten().filter(|(_, labels)| selects(selector, labels)).map(|(at, _)| *at).collect()
    }

    /// The workloads behind a service, and it itself.
    pub(super) fn behind(&self, namespace: &str, service: &str, objects: &[Item<'a>]) -> Vec<usize> {
        let Some(at) = self.named("Service", namespace, service) else { return Vec::new() };
        let mut found = match at_path(objects[at].object, &["spec", "selector"]) {
            Some(Value::Map(labels)) if !labels.is_empty() => {
                self.selected(namespace, &Map::from([("matchLabels".to_owned(), labels.clone().into())]).into())
            }
            _ => Vec::new(),
        };
        found.push(at);
        found
    }

    fn add_workload(&mut self, at: usize, item: &Item<'a>) {
        static NONE: Map = Map::new();
        let labels = item.pod().and_then(|pod| at_path(pod, &["metadata", "labels"])).and_then(Value::as_map);
        let labels = labels.unwrap_or(&NONE);
        self.workloads.entry(item.namespace).or_default().push((at, labels));
        for (key, value) in labels {
            if let Some(value) = value.as_str() {
                self.labelled.entry((item.namespace, key, value)).or_default().push((at, labels));
            }
        }
    }

    fn add_binding(&mut self, at: usize, item: &Item<'a>) {
        for subject in items(item.object, &["subjects"]) {
            if text(subject, &["kind"]) == Some("ServiceAccount")
                && let Some(name) = text(subject, &["name"])
            {
                let namespace = text(subject, &["namespace"]).unwrap_or(item.namespace);
                self.bindings.entry((namespace, name)).or_default().push(at);
            }
        }
    }

    fn add_webhooks(&mut self, at: usize, item: &Item<'a>) {
        let rules = items(item.object, &["webhooks"]).iter().flat_map(|webhook| items(webhook, &["rules"]));
        for group in rules.flat_map(|rule| items(rule, &["apiGroups"])).filter_map(Value::as_str) {
            self.webhooks.entry(group).or_default().push(at);
        }
    }
}
