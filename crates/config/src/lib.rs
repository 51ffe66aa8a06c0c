//! Config files of hactl: text to a checked config with source spans.
//!
//! The only crate that knows the file formats: the native one and RKE's. It decides nothing about resources: specs are
//! held against the schemas that the kinds hand in, and their templates stay to be evaluated by whoever builds the graph.
#![cfg_attr(test, expect(clippy::disallowed_methods, reason = "tests make and damage files as they like"))]

mod addons;
pub mod config;
pub mod convert;
mod decode;
pub mod documents;
pub mod editor;
mod emit;
pub mod encryption;
pub mod evaluate;
pub mod expression;
mod files;
pub mod git;
mod given;
mod hcl;
pub mod inputs;
pub mod invalid;
mod key_files;
pub mod kubernetes;
pub mod load;
mod manifests;
mod moves;
mod native;
pub mod nodes;
pub mod registries;
mod rke;
pub mod schema;
pub mod secrets;
pub mod section;
pub mod source;
#[cfg(test)]
mod tests;
pub mod tree;
pub mod validate;
pub mod variables;
mod withheld;
pub mod yaml;

pub use config::{Config, Format, OutputDeclaration};
pub use convert::convert;
pub use documents::Document;
pub use editor::editor_schema;
pub use encryption::{Encryption, Recipient};
pub use evaluate::{Reference, evaluate, references};
pub use expression::{TemplateError, expression_span, parse_template_text, parse_templates};
pub use git::Git;
pub use inputs::{Inputs, Source, digest_of_file};
pub use invalid::Invalid;
pub use key_files::key_path;
pub use kubernetes::KubernetesConfig;
pub use load::{LoadFailure, load};
pub use native::is_stack_name;
pub use nodes::NodeConfig;
pub use registries::RegistryConfig;
pub use schema::{FormatCheck, Formats, Schema};
pub use secrets::{InlineSecrets, import_name, variable_name};
pub use section::{Declaration, NODE_KEYS, Section};
pub use source::SourceMap;
pub use tree::{Data, Entry, Node, PathStep};
pub use validate::validate;
pub use variables::{Variable, VariableInputs, VariableScope};
