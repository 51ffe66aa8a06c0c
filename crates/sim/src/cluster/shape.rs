//! Which lists and maps of objects are owned as a whole, and which item by item, as the API's types declare it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::cluster::fields::Step;

/// A place in objects of one type: names of fields from the top, without the steps into lists.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Whether a CustomResourceDefinition defines the type.
    custom: bool,
    /// Where a pod's spec begins.
    pod: Option<&'static str>,
    path: String,
    /// The path as messages have it, with the keys of items: `spec.template.spec.containers[name="web"].env`.
    shown: String,
}

/// A list that breaks the rules of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadList {
    /// From the top, as messages have it: `spec.template.spec.containers[name="web"].env`.
    pub(crate) path: String,
    /// As a clause.
    pub(crate) reason: String,
}

/// A part of a value, with its step and its place.
type Part<'a> = (Step, &'a Value, Place);

/// How a list or a map is owned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Whole,
    /// A list whose items are told apart by these keys.
    Keyed(&'static [Key]),
    /// A list whose values are told apart by themselves.
    Set,
    /// A map, field by field.
    Fields,
}

/// A key of a list's items.
type Key = (&'static str, Absent);

/// What a key is taken to be where it is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absent {
    Refused,
    Text(&'static str),
    Zero,
}

const EMPTY: Absent = Absent::Text("");
const TCP: Absent = Absent::Text("TCP");
const NAME: Shape = Shape::Keyed(&[("name", EMPTY)]);
const TYPE: Shape = Shape::Keyed(&[("type", EMPTY)]);

/// Of every type.
const EVERYWHERE: &[(&str, Shape)] = &[
    ("metadata.finalizers", Shape::Set),
    ("metadata.ownerReferences", Shape::Keyed(&[("uid", EMPTY)])),
    ("status.conditions", TYPE),
];

/// Of the types of Kubernetes.
const BUILT_IN: &[(&str, Shape)] = &[
    ("imagePullSecrets", Shape::Whole),
    ("roleRef", Shape::Whole),
    ("secrets", NAME),
    ("spec.podSelector", Shape::Whole),
    ("spec.ports", Shape::Keyed(&[("port", Absent::Zero), ("protocol", TCP)])),
    ("spec.scaleTargetRef", Shape::Whole),
    ("spec.selector", Shape::Whole),
    ("webhooks", NAME),
];

/// Of a pod's spec, wherever it stands.
const POD: &[(&str, Shape)] = &[
    ("containers", NAME),
    ("ephemeralContainers", NAME),
    ("hostAliases", Shape::Keyed(&[("ip", Absent::Refused)])),
    ("imagePullSecrets", NAME),
    ("initContainers", NAME),
    ("nodeSelector", Shape::Whole),
    ("resourceClaims", NAME),
    ("schedulingGates", NAME),
    ("topologySpreadConstraints", Shape::Keyed(&[("topologyKey", EMPTY), ("whenUnsatisfiable", EMPTY)])),
    ("volumes", NAME),
];

/// Of a container in it.
const CONTAINER: &[(&str, Shape)] = &[
    ("env", NAME),
    ("ports", Shape::Keyed(&[("containerPort", Absent::Zero), ("protocol", TCP)])),
    ("resources.claims", NAME),
    ("volumeDevices", Shape::Keyed(&[("devicePath", EMPTY)])),
    ("volumeMounts", Shape::Keyed(&[("mountPath", EMPTY)])),
];

/// Fields that are owned as a whole wherever they stand in a pod's spec: references and selectors.
const WHOLE_IN_PODS: &[&str] = &[
    "configMapKeyRef",
    "fieldRef",
    "labelSelector",
    "namespaceSelector",
    "resourceFieldRef",
    "secretKeyRef",
    "secretRef",
];

impl Place {
    /// The top of the objects of a type. `custom` are types that a CustomResourceDefinition defines: their maps are
    /// owned field by field, their lists as a whole.
    pub(crate) fn top(kind: &str, custom: bool) -> Self {
        let pod = match kind {
            "Pod" => Some("spec."),
            "Deployment" | "DaemonSet" | "StatefulSet" | "ReplicaSet" | "Job" | "ReplicationController" => {
                Some("spec.template.spec.")
            }
            "CronJob" => Some("spec.jobTemplate.spec.template.spec."),
            "PodTemplate" => Some("template.spec."),
            _ => None,
        };
        Self { custom, pod: pod.filter(|_| !custom), path: String::new(), shown: String::new() }
    }

    /// The place of a field in a map at this place.
    pub(crate) fn field(&self, name: &str) -> Self {
        let below = |path: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        Self { custom: self.custom, pod: self.pod, path: below(&self.path), shown: below(&self.shown) }
    }

    /// The parts in which a value at this place is owned; none where it is owned as a whole.
    ///
    /// # Errors
    /// [`BadList`] where two items have the same keys, or one lacks them.
    pub(crate) fn parts<'a>(&self, value: &'a Value) -> Result<Option<Vec<Part<'a>>>, BadList> {
        match (value, self.shape(value)) {
            (Value::Object(map), Shape::Fields) => {
                Ok(Some(map.iter().map(|(name, value)| (Step::field(name), value, self.field(name))).collect()))
            }
            (Value::Array(items), Shape::Keyed(keys)) => {
                let steps = items.iter().enumerate().map(|(index, item)| self.step_to(index, item, keys));
                let steps = steps.collect::<Result<Vec<_>, _>>()?;
                self.items(steps, items).map(Some)
            }
            (Value::Array(items), Shape::Set) => {
                let steps: Vec<Step> = items.iter().map(Step::value).collect();
                self.items(steps, items).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The items of a list at this place.
    fn items<'a>(&self, steps: Vec<Step>, items: &'a [Value]) -> Result<Vec<Part<'a>>, BadList> {
        self.refuse_repeated(&steps)?;
        let parts = steps.into_iter().zip(items).map(|(step, item)| {
            let place = self.item(&step);
            (step, item, place)
        });
        Ok(parts.collect())
    }

    /// The place of an item of a list at this place.
    fn item(&self, step: &Step) -> Self {
        let mut place = self.clone();
        place.path.push_str("[]");
        place.shown.push_str(&step.text());
        place
    }

    fn step_to(&self, index: usize, item: &Value, keys: &[Key]) -> Result<Step, BadList> {
        let mut found = BTreeMap::new();
        for (key, otherwise) in keys {
            let value = match (item.get(*key), otherwise) {
                (Some(value), _) => value.clone(),
                (None, Absent::Text(text)) => Value::String((*text).to_owned()),
                (None, Absent::Zero) => Value::from(0),
                (None, Absent::Refused) => {
                    let reason = format!(
                        "element {index}: associative list with keys has an element that omits key field {key:?}"
                    );
                    return Err(BadList { path: self.shown.clone(), reason });
                }
            };
            found.insert(*key, value);
        }
        Ok(Step::item(&found))
    }

    fn refuse_repeated(&self, steps: &[Step]) -> Result<(), BadList> {
        let mut seen = std::collections::BTreeSet::new();
        match steps.iter().find(|step| !seen.insert(*step)) {
            Some(step) => {
                let reason = format!("duplicate entries for key {}", step.text());
                Err(BadList { path: self.shown.clone(), reason })
            }
            None => Ok(()),
        }
    }

    fn shape(&self, value: &Value) -> Shape {
        match (self.declared(), value) {
            (Some(shape), _) => shape,
            (None, Value::Object(_)) => Shape::Fields,
            (None, _) => Shape::Whole,
        }
    }

    fn declared(&self) -> Option<Shape> {
        let path = self.path.as_str();
        if let Some(found) = find(EVERYWHERE, path) {
            return Some(found);
        }
        if self.custom {
            return None;
        }
        if let Some(in_pod) = self.pod.and_then(|prefix| path.strip_prefix(prefix)) {
            return in_pod_spec(in_pod);
        }
        find(BUILT_IN, path)
    }
}

fn find(table: &[(&str, Shape)], path: &str) -> Option<Shape> {
    table.iter().find(|(listed, _)| *listed == path).map(|(_, shape)| *shape)
}

fn in_pod_spec(path: &str) -> Option<Shape> {
    let in_container = ["containers[].", "initContainers[].", "ephemeralContainers[]."];
    if let Some(found) =
        in_container.iter().find_map(|prefix| path.strip_prefix(prefix)).and_then(|path| find(CONTAINER, path))
    {
        return Some(found);
    }
    let whole = WHOLE_IN_PODS.iter().any(|name| path.strip_suffix(name).is_some_and(|before| before.ends_with('.')));
    find(POD, path).or(whole.then_some(Shape::Whole))
}

/// Takes out what is null, as the server does with what it is sent.
pub(crate) fn without_nulls(map: &Map<String, Value>) -> Map<String, Value> {
    let kept = map.iter().filter(|(_, value)| !value.is_null());
    kept.map(|(name, value)| (name.clone(), clean(value))).collect()
}

fn clean(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(without_nulls(map)),
        Value::Array(items) => Value::Array(items.iter().map(clean).collect()),
        other => other.clone(),
    }
}
