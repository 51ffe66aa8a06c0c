//! A checked config, whatever format it was written in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hactl_core::diagnostic::Span;
use hactl_core::{Diagnostic, Digest, Value};
use indexmap::IndexMap;
use serde_json::json;

use crate::inputs::Inputs;
use crate::invalid::Invalid;
use crate::nodes::NodeConfig;
use crate::section::Declaration;
use crate::source::SourceMap;
use crate::tree::Node;
use crate::variables::{Variable, VariableScope};

/// What the user wants, parsed and checked; the specs' templates are still to be evaluated.
#[derive(Debug)]
pub struct Config {
    /// The name of the stack.
    pub name: String,
    /// The path it was loaded from, as given: a file or a directory.
    pub path: PathBuf,
    /// The directory that its relative paths start from.
    pub directory: PathBuf,
    /// The format it was written in.
    pub format: Format,
    /// The texts it was read from.
    pub sources: SourceMap,
    /// Its variables with their values for this run.
    pub variables: IndexMap<String, Variable>,
    /// Its nodes by name, in the order of the file.
    pub nodes: IndexMap<String, NodeConfig>,
    /// Its resources, section by section, in the order of the file; in a partial config also wrong ones, as far as they
    /// could be read.
    pub declarations: Vec<Declaration>,
    /// Its outputs, in the order of the file.
    pub outputs: Vec<OutputDeclaration>,
    /// The files it names.
    pub inputs: Inputs,
    /// What is declared but wrong, which is reported already; empty in a config that loaded.
    pub invalid: Invalid,
    /// What the user should know though nothing is wrong.
    pub warnings: Vec<Diagnostic>,
}

/// The formats of a config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// hactl's own.
    Native,
    /// An RKE cluster file.
    Rke,
}

/// An output: a value that is shown after an apply.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputDeclaration {
    /// Its name.
    pub name: String,
    /// Its key in the config.
    pub span: Span,
    /// The value; templates in it are not evaluated yet.
    pub value: Node,
    /// Whether the value must not be shown.
    pub sensitive: bool,
    /// What it is.
    pub description: Option<String>,
}

impl Config {
    /// The scope that answers `var.*` and reads files.
    pub fn variable_scope(&self) -> VariableScope<'_> {
        VariableScope { variables: &self.variables, inputs: &self.inputs }
    }

    /// The SHA-256 of all that decides what is wanted: it does not depend on order, comments or places.
    ///
    /// Of sensitive variables only the names go in. Of the files named by the config those go in that were read by now:
    /// ask for the digest after every declaration was evaluated.
    pub fn digest(&self) -> Digest {
        let variables: BTreeMap<&str, Option<&Value>> = self
            .variables
            .iter()
            .map(|(name, variable)| (name.as_str(), (!variable.sensitive).then_some(&variable.value)))
            .collect();
        let nodes: BTreeMap<&str, serde_json::Value> = self
            .nodes
            .iter()
            .map(|(name, node)| {
                let node = json!({"connection": node.connection, "roles": node.roles, "labels": node.labels});
                (name.as_str(), node)
            })
            .collect();
        let declarations: BTreeMap<(&str, &str), Digest> = self
            .declarations
            .iter()
            .map(|declaration| ((declaration.kind, declaration.name.as_str()), declaration_digest(declaration)))
            .collect();
        let outputs: BTreeMap<&str, Value> =
            self.outputs.iter().map(|output| (output.name.as_str(), output.value.to_value())).collect();
        digest_of(&(
            &self.name,
            variables,
            nodes,
            declarations.iter().collect::<Vec<_>>(),
            outputs,
            self.inputs.digests(),
        ))
    }
}

fn declaration_digest(declaration: &Declaration) -> Digest {
    let depends_on: Vec<&str> = declaration.depends_on.iter().map(|(address, _)| address.as_str()).collect();
    digest_of(&(
        declaration.body.to_value(),
        &declaration.selector,
        depends_on,
        declaration.protect,
        &declaration.ignore_changes,
        declaration.adopt,
    ))
}

fn digest_of(data: &impl serde::Serialize) -> Digest {
    Digest::sha256(&serde_json::to_vec(data).unwrap_or_default())
}
