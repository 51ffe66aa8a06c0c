//! Loading a config: files in, a checked config or every mistake out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hactl_core::Diagnostic;
use hactl_core::cluster::ClusterConnection;
use hactl_core::diagnostic::{Severity, SourceId};
use indexmap::IndexMap;

use crate::config::{Config, Format};
use crate::documents::{self, Reader};
use crate::git::Git;
use crate::inputs::Inputs;
use crate::invalid::Invalid;
use crate::kubernetes::KubernetesConfig;
use crate::secrets::InlineSecrets;
use crate::section::Section;
use crate::source::{SourceMap, span};
use crate::tree::Node;
use crate::variables::VariableInputs;
use crate::{files, native, rke, withheld, yaml};

/// The most mistakes that are reported at once.
const REPORT_LIMIT: usize = 100;

/// Why a config cannot be used.
#[derive(Debug)]
pub struct LoadFailure {
    /// The texts that the places are in.
    pub sources: SourceMap,
    /// The mistakes of all files, and the warnings, by file and place; at most 100 and a note of how many more.
    pub diagnostics: Vec<Diagnostic>,
    /// What could be read, for finding the mistakes of later phases as well; none where a file is not even YAML.
    pub partial: Option<Box<Config>>,
    /// The mistakes beyond the limit.
    cut: Vec<Diagnostic>,
}

impl LoadFailure {
    pub(crate) fn new(sources: SourceMap, diagnostics: Vec<Diagnostic>, partial: Option<Box<Config>>) -> Self {
        let mut failure = Self { sources, diagnostics: sorted(diagnostics), partial, cut: Vec::new() };
        if failure.diagnostics.len() > REPORT_LIMIT {
            failure.diagnostics.sort_by_key(|diagnostic| diagnostic.severity == Severity::Warning);
            failure.cut = failure.diagnostics.split_off(REPORT_LIMIT);
            let note = Diagnostic::error(format!("and {} more", failure.cut.len())).help("mend those above first");
            failure.diagnostics.push(note);
        }
        failure
    }

    /// The failure with the mistakes of a later phase among its own; what is there already is not added again.
    #[must_use]
    pub fn and(mut self, found: Vec<Diagnostic>) -> Self {
        if !self.cut.is_empty() {
            self.diagnostics.pop();
            self.diagnostics.append(&mut self.cut);
        }
        for diagnostic in found {
            if !self.diagnostics.contains(&diagnostic) {
                self.diagnostics.push(diagnostic);
            }
        }
        Self::new(self.sources, self.diagnostics, self.partial)
    }
}

/// Loads the config at a path: a native file, a directory of them, or an RKE cluster file.
///
/// # Errors
/// When a file cannot be read, or anything in it is wrong.
pub fn load(path: &Path, sections: &[Section], given: &VariableInputs) -> Result<Config, LoadFailure> {
    let mut sources = SourceMap::new();
    let mut diagnostics = Vec::new();
    let config = build(path, sections, given, &mut sources, &mut diagnostics);
    match config {
        Some(parts) if !diagnostics.iter().any(Diagnostic::is_error) => {
            Ok(Config { sources, warnings: sorted(diagnostics), ..parts })
        }
        parts => {
            let partial = parts.map(|parts| Box::new(Config { sources: sources.clone(), ..parts }));
            Err(LoadFailure::new(sources, diagnostics, partial))
        }
    }
}

fn build(
    path: &Path,
    sections: &[Section],
    given: &VariableInputs,
    sources: &mut SourceMap,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Config> {
    let mut roots = parse_files(path, sources, diagnostics)?;
    if path.is_dir() {
        roots.retain(|root| !is_sops(root));
    }
    let directory = directory(path);
    let config = |name, format| Config {
        name,
        path: path.to_owned(),
        directory: directory.clone(),
        format,
        sources: SourceMap::new(),
        variables: IndexMap::new(),
        nodes: IndexMap::new(),
        registries: IndexMap::new(),
        encryption: None,
        git: Git::default(),
        inline_secrets: InlineSecrets::new(),
        declarations: Vec::new(),
        outputs: Vec::new(),
        kubernetes: None,
        documents: BTreeMap::new(),
        moved: Vec::new(),
        removed: Vec::new(),
        ignored_addons: None,
        inputs: Inputs::new(&directory),
        invalid: Invalid::default(),
        warnings: Vec::new(),
    };
    if let [root] = roots.as_slice()
        && rke::is_rke(root)
    {
        if !given.assignments.is_empty() || !given.files.is_empty() {
            diagnostics.push(
                Diagnostic::error("an RKE cluster file has no variables").help("leave out `--var` and `--var-file`"),
            );
        }
        let name = stem(path, diagnostics);
        let rke = rke::read(root, sources, diagnostics);
        let section = sections.iter().find(|section| section.kind == documents::KIND);
        let file = sources.path(root.span.source).to_owned();
        let mut reader = Reader { directory: &directory, sources, diagnostics };
        let addons = rke.addons.read(section, &file, given, &mut reader);
        return Some(Config {
            nodes: rke.nodes,
            registries: rke.registries,
            kubernetes: addons.kubernetes,
            documents: addons.documents,
            declarations: addons.declarations,
            invalid: addons.invalid,
            ignored_addons: addons.ignored,
            ..config(name, Format::Rke)
        });
    }
    let inputs = Inputs::new(&directory);
    let mut native = native::read(roots, sections, given, &inputs, &directory, sources, diagnostics);
    if let Some(kubeconfig) = &given.kubeconfig {
        let unnamed = || KubernetesConfig::new(span(SourceId(0), 0, 0), ClusterConnection::default());
        native.kubernetes.get_or_insert_with(unnamed).override_kubeconfig(kubeconfig, &directory);
    }
    Some(Config {
        variables: native.variables,
        nodes: native.nodes,
        registries: native.registries,
        encryption: native.encryption,
        git: native.git,
        inline_secrets: native.inline_secrets,
        invalid: native.invalid,
        declarations: native.declarations,
        outputs: native.outputs,
        kubernetes: native.kubernetes,
        documents: native.documents,
        moved: native.moved,
        removed: native.removed,
        inputs,
        ..config(native.name, Format::Native)
    })
}

/// The parsed files; none where any of them cannot be parsed, as every other mistake may follow from that.
fn parse_files(path: &Path, sources: &mut SourceMap, diagnostics: &mut Vec<Diagnostic>) -> Option<Vec<Node>> {
    let paths = match files::list(path) {
        Ok(paths) => paths,
        Err(error) => {
            diagnostics.push(*error);
            return None;
        }
    };
    let mut roots = Vec::with_capacity(paths.len());
    for path in &paths {
        let parsed = files::read(path).map_err(|error| vec![*error]).and_then(|text| {
            let source = sources.add(path, text);
            yaml::parse(sources, source).map_err(|mistakes| withhold_secrets(mistakes, sources))
        });
        match parsed {
            Ok(root) => roots.push(root),
            Err(mistakes) => diagnostics.extend(mistakes),
        }
    }
    (roots.len() == paths.len()).then_some(roots)
}

/// Which values are sensitive is not known of a file that cannot be parsed: no line that may hold one is shown.
pub(crate) fn withhold_secrets(mistakes: Vec<Diagnostic>, sources: &SourceMap) -> Vec<Diagnostic> {
    let withheld = |mistake| match withheld::is_among_secrets(&mistake, sources) {
        true => withheld::without_content(mistake, sources),
        false => mistake,
    };
    mistakes.into_iter().map(withheld).collect()
}

/// Whether a file is one that SOPS encrypted: such files lie beside configs, for secrets to be taken from.
fn is_sops(root: &Node) -> bool {
    root.get("sops").is_some_and(|sops| sops.get("mac").is_some())
}

fn directory(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The name of the stack of an RKE file: the file's name without its extension.
pub(crate) fn stem(path: &Path, diagnostics: &mut Vec<Diagnostic>) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if !native::is_stack_name(&stem) {
        diagnostics.push(
            Diagnostic::error(format!("the file's name {stem:?} cannot be the name of a stack"))
                .at(span(SourceId(0), 0, 0))
                .help("rename the file: letters, digits, `-`, `_` and `.`, starting with a letter or digit"),
        );
    }
    stem
}

/// By file and place; what has no place comes first.
fn sorted(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| label.span));
    diagnostics
}
