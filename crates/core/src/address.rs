//! Addresses: the one way a resource instance is named.
//!
//! Grammar: `kind.name{.part}["key"]`, as in `container.web["node1"]`,
//! `loadBalancer.rancher.file["lb1"]` or `manifest.rancher["Deployment/cattle-system/cattle"]`.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The address of one resource instance, in canonical text form.
///
/// Cheap to clone (one reference count); compares and hashes by its text, so sorting addresses
/// sorts by kind, then name, then key.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(Arc<str>);

/// Why a text is not an [`Address`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address: {why}")]
pub struct AddressError {
    /// The text as given.
    pub text: String,
    /// What is wrong with it, as a clause.
    pub why: &'static str,
}

impl Address {
    /// The address of the instance of `kind.name` under `key` (a node's name, mostly).
    ///
    /// `kind` and `name` are expected to be valid identifiers (see [`is_name`]); the config crate
    /// checks them where a user writes them.
    pub fn new(kind: &str, name: &str, key: Option<&str>) -> Self {
        match key {
            Some(key) => Self(format!("{kind}.{name}[\"{key}\"]").into()),
            None => Self(format!("{kind}.{name}").into()),
        }
    }

    /// Parses the canonical text form.
    ///
    /// # Errors
    /// When a kind or name is missing or not an identifier, or the key's brackets or quotes do not match.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let fail = |why| AddressError { text: text.to_owned(), why };
        let (path, key) = match text.split_once('[') {
            None => (text, None),
            Some((path, rest)) => {
                let key = rest
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix("\"]"))
                    .ok_or_else(|| fail("an instance key is written [\"key\"]"))?;
                (path, Some(key))
            }
        };
        if key.is_some_and(|key| key.is_empty() || key.contains('"')) {
            return Err(fail("an instance key is not empty and holds no quotes"));
        }
        let mut parts = path.split('.');
        let (Some(_), Some(_)) = (parts.next(), parts.next()) else {
            return Err(fail("it is written kind.name or kind.name[\"key\"]"));
        };
        if !path.split('.').all(is_name) {
            return Err(fail("kind and name start with a letter and hold letters, digits, `-` and `_`"));
        }
        Ok(Self(text.into()))
    }

    /// The whole text, as in `container.web["node1"]`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The kind, as in `container`.
    pub fn kind(&self) -> &str {
        self.0.split_once('.').map_or(&*self.0, |(kind, _)| kind)
    }

    /// The kind that its rules and provider are those of: the last part of a composite's part, as in `file` of
    /// `loadBalancer.rancher.file["lb1"]`; else its kind.
    pub fn primitive(&self) -> &str {
        match self.name().rsplit_once('.') {
            Some((_, part)) => part,
            None => self.kind(),
        }
    }

    /// The name and parts without the key, as in `web` or `rancher.file`.
    pub fn name(&self) -> &str {
        let path = self.resource();
        path.split_once('.').map_or(path, |(_, name)| name)
    }

    /// Kind and name without the instance key, as in `container.web`.
    pub fn resource(&self) -> &str {
        self.0.split_once('[').map_or(&*self.0, |(path, _)| path)
    }

    /// Whether it is what another address names: that instance; or, where that one has no key, an instance or a part of
    /// that resource.
    pub fn is_of(&self, whole: &Self) -> bool {
        self == whole || (whole.key().is_none() && self.below(whole).is_some())
    }

    /// What it is called once a resource is called otherwise: `container.web["n1"]` is `container.shop["n1"]` where
    /// `container.web` is `container.shop`. None where it is not of that resource.
    pub fn rebased(&self, from: &Self, to: &Self) -> Option<Self> {
        if self == from {
            return Some(to.clone());
        }
        let rest = self.below(from).filter(|_| from.key().is_none() && to.key().is_none())?;
        Some(Self(format!("{to}{rest}").into()))
    }

    /// What follows a resource's name, as `["n1"]` or `.file["n1"]`.
    fn below(&self, whole: &Self) -> Option<&str> {
        self.0.strip_prefix(whole.as_str()).filter(|rest| rest.starts_with(['[', '.']))
    }

    /// The instance key, as in `node1`; none for a resource that has one instance only.
    pub fn key(&self) -> Option<&str> {
        let (_, rest) = self.0.split_once("[\"")?;
        rest.strip_suffix("\"]")
    }
}

/// Whether a text can be a kind's or a resource's name: a letter, then letters, digits, `-`, `_`.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_address() {
        let address = Address::parse("loadBalancer.rancher.file[\"lb1\"]").unwrap();
        assert_eq!(address.kind(), "loadBalancer");
        assert_eq!(address.name(), "rancher.file");
        assert_eq!(address.primitive(), "file");
        assert_eq!(address.resource(), "loadBalancer.rancher.file");
        assert_eq!(address.key(), Some("lb1"));
        let object = Address::parse("manifest.rancher[\"Deployment/cattle-system/my.app\"]").unwrap();
        assert_eq!(object.name(), "rancher");
        assert_eq!(object.primitive(), "manifest");
        assert_eq!(object.key(), Some("Deployment/cattle-system/my.app"));
    }

    #[test]
    fn instances_and_parts_follow_their_resource() {
        let address = |text: &str| Address::parse(text).unwrap();
        let rebased = |text: &str, from: &str, to: &str| {
            let new = address(text).rebased(&address(from), &address(to));
            new.map_or_else(|| "-".to_owned(), |new| new.to_string())
        };
        assert_eq!(rebased("box.web[\"n1\"]", "box.web", "box.shop"), "box.shop[\"n1\"]");
        assert_eq!(rebased("lb.web.file[\"n1\"]", "lb.web", "lb.shop"), "lb.shop.file[\"n1\"]");
        assert_eq!(rebased("box.web[\"n1\"]", "box.web[\"n1\"]", "box.shop[\"n1\"]"), "box.shop[\"n1\"]");
        assert_eq!(rebased("box.web[\"n2\"]", "box.web[\"n1\"]", "box.shop[\"n1\"]"), "-");
        assert_eq!(rebased("box.web2[\"n1\"]", "box.web", "box.shop"), "-");
        assert!(address("lb.web.file[\"n1\"]").is_of(&address("lb.web")));
        assert!(!address("box.web2").is_of(&address("box.web")));
        assert!(!address("box.web").is_of(&address("box.web[\"n1\"]")));
    }

    #[test]
    fn what_is_no_address() {
        for text in ["", "web", "container.", "container.we b", "container.web[node1]", "container.web[\"\"]", "1.2"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
