//! Values: what a spec is made of, and what an expression yields.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroize;

use crate::digest::Digest;
use crate::expr::Expr;

/// A map of values, sorted by key: the order of a config never matters.
pub type Map = BTreeMap<String, Value>;

/// The key that marks the JSON form of a value which is not plain data; a config cannot use it.
pub const MARKER: &str = "$hactl";

/// A value: plain data as in JSON, or one of two stand-ins for data that must not or cannot be held here.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number; always finite.
    Float(f64),
    /// Text.
    String(Arc<str>),
    /// A list.
    List(Vec<Value>),
    /// A map.
    Map(Map),
    /// A value that is not held: known after apply, or sensitive. See [`Deferred`].
    Deferred(Arc<Deferred>),
    /// A sensitive value that was applied: all that state keeps of it. See [`Sealed`].
    Sealed(Arc<Sealed>),
}

/// A sensitive value as state keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Its keyed digest, by which it is compared.
    pub digest: Digest,
    /// The value for those who may read it, as an armoured age file (<https://age-encryption.org/v1>); none where
    /// only a comparison is ever needed.
    pub ciphertext: Option<Arc<str>>,
}

/// A value that the plan does not hold: the expression that yields it at apply time.
///
/// Whatever touches a deferred value is deferred, and sensitive if any part of it was.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Deferred {
    /// What to evaluate at apply; everything known is already folded into it.
    pub expr: Expr,
    /// Whether the value must never be shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
    /// The keyed digest of the value, where it can be computed at plan time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

impl Value {
    /// Text.
    pub fn string(text: impl AsRef<str>) -> Self {
        Self::String(text.as_ref().into())
    }

    /// A deferred value.
    pub fn deferred(expr: Expr, sensitive: bool) -> Self {
        Self::Deferred(Arc::new(Deferred { expr, sensitive, digest: None }))
    }

    /// A sensitive value of which only the keyed digest is kept.
    pub fn sealed(digest: Digest) -> Self {
        Self::Sealed(Arc::new(Sealed { digest, ciphertext: None }))
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The map, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entry of a map; none where this is no map or has no such key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether every part of it is plain data.
    pub fn is_plain(&self) -> bool {
        match self {
            Self::Deferred(_) | Self::Sealed(_) => false,
            Self::List(items) => items.iter().all(Self::is_plain),
            Self::Map(map) => map.values().all(Self::is_plain),
            _ => true,
        }
    }

    /// Whether any part of it is sensitive.
    pub fn is_sensitive(&self) -> bool {
        match self {
            Self::Deferred(deferred) => deferred.sensitive,
            Self::Sealed(_) => true,
            Self::List(items) => items.iter().any(Self::is_sensitive),
            Self::Map(map) => map.values().any(Self::is_sensitive),
            _ => false,
        }
    }

    /// Calls `visit` on every deferred value inside.
    pub fn for_each_deferred(&self, visit: &mut impl FnMut(&Deferred)) {
        match self {
            Self::Deferred(deferred) => visit(deferred),
            Self::List(items) => items.iter().for_each(|item| item.for_each_deferred(visit)),
            Self::Map(map) => map.values().for_each(|item| item.for_each_deferred(visit)),
            _ => {}
        }
    }

    /// What kind of value it is, in the words of a config: `text`, `a list`, …
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::String(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Deferred(_) => "a value known after apply",
            Self::Sealed(_) => "a sensitive value",
        }
    }
}

/// Overwrites every text that nothing else holds, and leaves nothing.
impl Zeroize for Value {
    fn zeroize(&mut self) {
        match self {
            Self::String(text) => {
                if let Some(text) = Arc::get_mut(text) {
                    text.zeroize();
                }
            }
            Self::List(items) => items.iter_mut().for_each(Zeroize::zeroize),
            Self::Map(map) => map.values_mut().for_each(Zeroize::zeroize),
            Self::Int(number) => number.zeroize(),
            Self::Float(number) => number.zeroize(),
            _ => {}
        }
        *self = Self::Null;
    }
}

/// Shows plain data as JSON; never shows a deferred or sealed value.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::String(text) => write!(f, "{text:?}"),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Map(map) => f.debug_map().entries(map).finish(),
            Self::Deferred(deferred) if deferred.sensitive => f.write_str("(sensitive)"),
            Self::Deferred(_) => f.write_str("(known after apply)"),
            Self::Sealed(_) => f.write_str("(sensitive)"),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

/// Plain data as plain JSON; the stand-ins as `{"$hactl": {"deferred": …}}` and `{"$hactl": {"sealed": …}}`.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::String(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Self::Map(map) => map.serialize(serializer),
            Self::Deferred(deferred) => marked(serializer, &StandIn::Deferred(deferred.clone())),
            Self::Sealed(sealed) => marked(serializer, &StandIn::Sealed(sealed.into())),
        }
    }
}

fn marked<S: Serializer>(serializer: S, stand_in: &StandIn) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(MARKER, stand_in)?;
    map.end()
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StandIn {
    Deferred(Arc<Deferred>),
    Sealed(SealedForm),
}

/// The JSON of [`Sealed`]: its digest alone, or a map where it can be opened.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum SealedForm {
    Digest(Digest),
    Encrypted { digest: Digest, age: Arc<str> },
}

impl From<&Arc<Sealed>> for SealedForm {
    fn from(sealed: &Arc<Sealed>) -> Self {
        let digest = sealed.digest;
        match &sealed.ciphertext {
            None => Self::Digest(digest),
            Some(age) => Self::Encrypted { digest, age: age.clone() },
        }
    }
}

impl From<SealedForm> for Value {
    fn from(form: SealedForm) -> Self {
        let (digest, ciphertext) = match form {
            SealedForm::Digest(digest) => (digest, None),
            SealedForm::Encrypted { digest, age } => (digest, Some(age)),
        };
        Self::Sealed(Arc::new(Sealed { digest, ciphertext }))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value)
            .map(Value::Int)
            .map_err(|_| E::custom(format!("{value} is too large for a whole number (64 bits)")))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        if value.is_finite() { Ok(Value::Float(value)) } else { Err(E::custom("a number must be finite")) }
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::string(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(1024));
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if key == MARKER {
                return match access.next_value::<StandIn>()? {
                    StandIn::Deferred(deferred) => Ok(Value::Deferred(deferred)),
                    StandIn::Sealed(form) => Ok(form.into()),
                };
            }
            map.insert(key, access.next_value()?);
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::DigestKey;

    #[test]
    fn json_round_trip() {
        let digest = DigestKey::new([7; 32]).digest(&Value::from("hunter2"));
        let encrypted = Sealed { digest, ciphertext: Some("-----BEGIN AGE ENCRYPTED FILE-----".into()) };
        let value = Value::Map(Map::from([
            ("a".to_owned(), Value::Int(1)),
            ("b".to_owned(), Value::from(vec!["x", "y"])),
            ("c".to_owned(), Value::sealed(digest)),
            ("d".to_owned(), Value::deferred(Expr::variable("token"), true)),
            ("e".to_owned(), Value::Sealed(Arc::new(encrypted))),
        ]));
        let json = serde_json::to_string(&value).unwrap();
        assert!(!json.contains("hunter2"));
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
        assert_eq!(
            format!("{value:?}"),
            r#"{"a": 1, "b": ["x", "y"], "c": (sensitive), "d": (sensitive), "e": (sensitive)}"#
        );
    }
}
