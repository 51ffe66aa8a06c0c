//! The shape a part of a config must have, compiled from the JSON Schema that schemars derives for a spec.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// Checks a text of one format; the error says what is expected, as in `a duration like 30s`.
pub type FormatCheck = fn(&str) -> Result<(), String>;

/// The formats that a schema may name under `format`, each with its check.
pub type Formats = &'static [(&'static str, FormatCheck)];

/// A compiled schema; see [`crate::validate::validate`].
///
/// Understood are the keywords that schemars emits for plain structs and enums: `type`, `properties`, `required`,
/// `additionalProperties`, `items`, `enum`, `const`, `oneOf`, `anyOf`, `allOf` of one, `$ref` into `$defs`, `minimum`,
/// `maximum`, `format`. An object with `properties` is closed even where `additionalProperties` is not said.
#[derive(Debug, Clone)]
pub struct Schema {
    pub(crate) root: Rule,
    pub(crate) definitions: Vec<Rule>,
}

#[derive(Debug, Clone)]
pub(crate) enum Rule {
    Anything,
    Null,
    Bool,
    Integer { minimum: Option<i64>, maximum: Option<i64> },
    Number { minimum: Option<f64>, maximum: Option<f64> },
    Text(Option<FormatCheck>),
    Words(Vec<String>),
    List(Box<Rule>),
    Map(MapRule),
    OneOf(Vec<Rule>),
    Reference(usize),
}

#[derive(Debug, Clone)]
pub(crate) struct MapRule {
    pub(crate) fields: BTreeMap<String, Field>,
    /// The rule of keys that are not fields; none where there may be none.
    pub(crate) others: Option<Box<Rule>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) rule: Rule,
    pub(crate) required: bool,
}

impl Schema {
    /// Compiles a JSON Schema. What is not understood in it allows anything.
    pub fn new(schema: &Json, formats: Formats) -> Self {
        let names: Vec<&String> = schema
            .get("$defs")
            .and_then(Json::as_object)
            .map(|definitions| definitions.keys().collect())
            .unwrap_or_default();
        let compiler = Compiler { names: &names, formats };
        Self {
            root: compiler.rule(schema),
            definitions: names.iter().map(|name| compiler.rule(&schema["$defs"][name.as_str()])).collect(),
        }
    }

    /// The schema of a spec type.
    pub fn of<T: schemars::JsonSchema>(formats: Formats) -> Self {
        Self::new(schemars::schema_for!(T).as_value(), formats)
    }

    /// Allows more keys with any value at the root, where it is a map.
    pub(crate) fn allow_keys(&mut self, keys: &[&str]) {
        if let Rule::Map(map) = &mut self.root {
            for key in keys {
                map.fields.entry((*key).to_owned()).or_insert(Field { rule: Rule::Anything, required: false });
            }
        }
    }

    /// The rule behind references; a chain of references that never ends allows anything.
    pub(crate) fn resolve<'a>(&'a self, mut rule: &'a Rule) -> &'a Rule {
        for _ in 0..=self.definitions.len() {
            match rule {
                Rule::Reference(index) => rule = &self.definitions[*index],
                _ => return rule,
            }
        }
        &Rule::Anything
    }

    /// What the rule wants, in the words of a config: `text or a map`.
    pub(crate) fn describe(&self, rule: &Rule) -> String {
        match self.resolve(rule) {
            Rule::Anything | Rule::Reference(_) => "a value".to_owned(),
            Rule::Null => "nothing".to_owned(),
            Rule::Bool => "`true` or `false`".to_owned(),
            Rule::Integer { .. } => "a whole number".to_owned(),
            Rule::Number { .. } => "a number".to_owned(),
            Rule::Text(_) => "text".to_owned(),
            Rule::Words(words) => words_list(words),
            Rule::List(_) => "a list".to_owned(),
            Rule::Map(_) => "a map".to_owned(),
            Rule::OneOf(alternatives) => {
                let mut texts: Vec<String> = Vec::new();
                for alternative in alternatives {
                    let text = self.describe(alternative);
                    if !matches!(self.resolve(alternative), Rule::Null) && !texts.contains(&text) {
                        texts.push(text);
                    }
                }
                texts.join(" or ")
            }
        }
    }
}

/// `` `a`, `b` or `c` ``
pub(crate) fn words_list(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nothing".to_owned(),
    }
}

struct Compiler<'a> {
    names: &'a [&'a String],
    formats: Formats,
}

impl Compiler<'_> {
    fn rule(&self, schema: &Json) -> Rule {
        if let Some(name) = schema.get("$ref").and_then(Json::as_str) {
            let name = name.strip_prefix("#/$defs/").unwrap_or(name);
            let index = self.names.iter().position(|known| *known == name);
            return index.map_or(Rule::Anything, Rule::Reference);
        }
        if let Some(words) = words(schema) {
            return words;
        }
        for keyword in ["oneOf", "anyOf"] {
            if let Some(alternatives) = schema.get(keyword).and_then(Json::as_array) {
                return one_of(alternatives.iter().map(|alternative| self.rule(alternative)));
            }
        }
        if let Some([only]) = schema.get("allOf").and_then(Json::as_array).map(Vec::as_slice) {
            return self.rule(only);
        }
        match schema.get("type") {
            Some(Json::String(name)) => self.typed(name, schema),
            Some(Json::Array(names)) => {
                one_of(names.iter().filter_map(Json::as_str).map(|name| self.typed(name, schema)))
            }
            _ => Rule::Anything,
        }
    }

    fn typed(&self, name: &str, schema: &Json) -> Rule {
        match name {
            "null" => Rule::Null,
            "boolean" => Rule::Bool,
            "integer" => Rule::Integer {
                minimum: schema.get("minimum").and_then(Json::as_i64),
                maximum: schema.get("maximum").and_then(Json::as_i64),
            },
            "number" => Rule::Number {
                minimum: schema.get("minimum").and_then(Json::as_f64),
                maximum: schema.get("maximum").and_then(Json::as_f64),
            },
            "string" => {
                let format = schema.get("format").and_then(Json::as_str);
                let check = self.formats.iter().find(|(name, _)| Some(*name) == format);
                Rule::Text(check.map(|(_, check)| *check))
            }
            "array" => Rule::List(Box::new(schema.get("items").map_or(Rule::Anything, |items| self.rule(items)))),
            "object" => self.map(schema),
            _ => Rule::Anything,
        }
    }

    fn map(&self, schema: &Json) -> Rule {
        let required = |key: &str| {
            let keys = schema.get("required").and_then(Json::as_array);
            keys.is_some_and(|keys| keys.iter().any(|required| required == key))
        };
        let fields: BTreeMap<String, Field> = schema
            .get("properties")
            .and_then(Json::as_object)
            .into_iter()
            .flatten()
            .map(|(key, field)| {
                let field = Field { rule: self.rule(field), required: required(key) };
                (key.clone(), field)
            })
            .collect();
        let others = match schema.get("additionalProperties") {
            Some(Json::Bool(false)) => None,
            None if !fields.is_empty() => None,
            Some(others) => Some(Box::new(self.rule(others))),
            None => Some(Box::new(Rule::Anything)),
        };
        Rule::Map(MapRule { fields, others })
    }
}

/// The rule of `const` and `enum`, where all their values are words (or null).
fn words(schema: &Json) -> Option<Rule> {
    let values = match (schema.get("const"), schema.get("enum")) {
        (Some(Json::Bool(_)), _) => return Some(Rule::Bool),
        (Some(value), _) => std::slice::from_ref(value),
        (None, Some(values)) => values.as_array()?,
        (None, None) => return None,
    };
    let words: Vec<String> = values.iter().filter_map(Json::as_str).map(str::to_owned).collect();
    let null = values.iter().any(Json::is_null).then_some(Rule::Null);
    (!words.is_empty()).then(|| one_of([Rule::Words(words)].into_iter().chain(null)))
}

/// Alternatives as one rule; those that are words are gathered in one.
fn one_of(alternatives: impl Iterator<Item = Rule>) -> Rule {
    let mut words = Vec::new();
    let mut others = Vec::new();
    for alternative in alternatives {
        match alternative {
            Rule::Words(more) => words.extend(more),
            Rule::OneOf(more) => others.extend(more),
            other => others.push(other),
        }
    }
    if !words.is_empty() {
        others.insert(0, Rule::Words(words));
    }
    if others.len() == 1 { others.remove(0) } else { Rule::OneOf(others) }
}
