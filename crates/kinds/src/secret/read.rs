//! Reading the values of secrets from where they come from: the edge to environment, files and commands.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use futures_util::{StreamExt, stream};
use hactl_config::{Config, Declaration, Inputs, Node, VariableScope, evaluate, import_name, variable_name};
use hactl_core::diagnostic::Span;
use hactl_core::eval::{EvalError, Lookup, ResolvedStep, Scope, resolve};
use hactl_core::sensitive::Sensitive;
use hactl_core::value::Value;
use hactl_core::{Address, Diagnostic};
use jiff::Timestamp;

use crate::secret::command::{Run, SIZE_LIMIT, TIME_LIMIT, utf8};
use crate::secret::import::{self, Given, ReadCertificate};
use crate::secret::lower::as_text;
use crate::secret::source::{self, Form};
use crate::secret::{KIND, sops};

/// The most sources that are read at one time.
const PARALLEL: usize = 8;

/// The values of a config's secrets that come from outside of hactl.
#[derive(Debug, Default)]
pub struct ReadSecrets {
    /// The values, by the names under which expressions refer to them: `secret.NAME.ENTRY`. Those of imports are as they
    /// were checked. Entries that are made of more than variables are not among them: their expressions are evaluated
    /// with the plan.
    pub values: BTreeMap<String, Sensitive<Value>>,
    /// What there is to know of imported certificates, by the address of their secret.
    pub certificates: BTreeMap<Address, ReadCertificate>,
    /// What the user should know though nothing is wrong.
    pub warnings: Vec<Diagnostic>,
}

/// Reads every secret of a config that comes from a variable, the environment, a file, a command, SOPS or the config
/// itself, and checks imported certificates.
///
/// Commands run in the config's directory, at most 8 at one time, each with this environment and for at most a minute.
///
/// # Errors
/// All that is wrong with any of them, each at its place; no message holds a value.
pub async fn read_secrets(
    config: &Config,
    environment: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<ReadSecrets, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let mut wanted = Vec::new();
    let secrets = config.declarations.iter().filter(|declaration| {
        declaration.kind == KIND.section.kind && !config.invalid.contains(declaration.kind, &declaration.name)
    });
    for declaration in secrets {
        let before = diagnostics.len();
        wanted.extend(wanted_of(declaration, config, &mut diagnostics));
        about(declaration, &mut diagnostics[before..]);
    }
    let reader = Reader { config, environment, private_inputs: Inputs::new(&config.directory) };
    let read: Vec<_> = stream::iter(&wanted).map(|wanted| reader.read(wanted)).buffered(PARALLEL).collect().await;

    let mut secrets = ReadSecrets::default();
    let mut imports: BTreeMap<&str, (&Declaration, BTreeMap<String, Given>)> = BTreeMap::new();
    for (wanted, result) in wanted.iter().zip(read) {
        match result {
            Err(mut mistakes) => {
                about(wanted.declaration, &mut mistakes);
                diagnostics.append(&mut mistakes);
            }
            Ok(value) if wanted.is_import => {
                let (_, given) =
                    imports.entry(&wanted.declaration.name).or_insert((wanted.declaration, BTreeMap::new()));
                given.insert(wanted.entry.to_owned(), Given { value, span: wanted.span });
            }
            Ok(value) => {
                secrets.values.insert(wanted.variable(), value);
            }
        }
    }
    for (name, (declaration, given)) in imports {
        // Where one of them could not be read that is reported, and the rest cannot be judged.
        if given.len() < declaration.body.get("import").map_or(0, |import| import.entries().len()) {
            continue;
        }
        let (Some(certificate), Some(private_key)) = (given.get("certificate"), given.get("privateKey")) else {
            continue;
        };
        match import::check(certificate, private_key, given.get("ca"), now) {
            Ok(mut checked) => {
                about(declaration, checked.warning.as_mut_slice());
                secrets.warnings.extend(checked.warning);
                let entries = checked.entries.into_iter();
                secrets.values.extend(entries.map(|(entry, value)| (variable_name(name, entry), value)));
                secrets.certificates.insert(Address::new(KIND.section.kind, name, None), checked.certificate);
            }
            Err(mut mistakes) => {
                about(declaration, &mut mistakes);
                diagnostics.append(&mut mistakes);
            }
        }
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| label.span));
    if diagnostics.is_empty() { Ok(secrets) } else { Err(diagnostics) }
}

/// A value to be read.
struct Wanted<'a> {
    declaration: &'a Declaration,
    entry: &'a str,
    is_import: bool,
    written: &'a Node,
    span: Span,
    form: Form,
}

impl Wanted<'_> {
    /// The name under which expressions refer to the value as it is read.
    fn variable(&self) -> String {
        let name = if self.is_import { import_name } else { variable_name };
        name(&self.declaration.name, self.entry)
    }
}

/// What is to be read for a secret: all of its entries but expressions that use more than variables.
fn wanted_of<'a>(declaration: &'a Declaration, config: &Config, diagnostics: &mut Vec<Diagnostic>) -> Vec<Wanted<'a>> {
    let (data, import) = (declaration.body.get("data"), declaration.body.get("import"));
    let entries = data.or(import).map(Node::entries).unwrap_or_default();
    let mut wanted = Vec::new();
    for entry in entries {
        let written = &entry.value;
        let Some(form) = source::form(written, config, diagnostics) else { continue };
        let span = if written.span.start < written.span.end { written.span } else { entry.key_span };
        let is_import = data.is_none();
        if form == Form::Expression && !source::is_of_variables(written) {
            if is_import {
                diagnostics.push(import::needs_variables(&entry.key, span));
            }
            continue;
        }
        wanted.push(Wanted { declaration, entry: &entry.key, is_import, written, span, form });
    }
    wanted
}

/// Says which secret messages are about.
fn about(declaration: &Declaration, diagnostics: &mut [Diagnostic]) {
    for diagnostic in diagnostics {
        diagnostic.subject.get_or_insert_with(|| format!("{}.{}", declaration.kind, declaration.name));
    }
}

struct Reader<'a> {
    config: &'a Config,
    environment: &'a BTreeMap<String, String>,
    /// What expressions read with `file()`: the config's digest is not to know of it.
    private_inputs: Inputs,
}

impl Reader<'_> {
    async fn read(&self, wanted: &Wanted<'_>) -> Result<Sensitive<Value>, Vec<Diagnostic>> {
        let read = match &wanted.form {
            Form::Expression => return self.expression(wanted),
            Form::Inline => {
                let found = self.config.inline_secrets.get(&wanted.variable()).cloned();
                found.ok_or_else(|| Diagnostic::error("the value was not kept when the config was read"))
            }
            Form::Environment(name) => self.variable(name),
            Form::File(path) => file(&self.config.directory, path),
            Form::Command(words) => self.command(words).await,
            Form::Sops { file, key } => {
                sops::decrypt(&self.config.directory, self.environment, file, key.as_ref()).await
            }
        };
        read.map_err(|diagnostic| vec![diagnostic.at(wanted.span)])
    }

    /// The value of an expression, which uses variables alone; of sensitive ones the real values.
    fn expression(&self, wanted: &Wanted<'_>) -> Result<Sensitive<Value>, Vec<Diagnostic>> {
        let mut diagnostics = Vec::new();
        let scope = VariableScope { variables: &self.config.variables, inputs: &self.private_inputs };
        let node = source::expression(wanted.written);
        let partial = evaluate(node, &scope, &self.config.sources, &mut diagnostics).to_value();
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        let whole = resolve(&partial, &RealValues { config: self.config }).map(Sensitive::new).map_err(|error| {
            let mut diagnostic = Diagnostic::error(error.message).at(wanted.span);
            diagnostic.help = error.help;
            vec![diagnostic]
        })?;
        as_text(whole.expose()).map(Sensitive::new).ok_or_else(|| {
            let found = whole.expose().type_name();
            let diagnostic = Diagnostic::error(format!("`{}` yields {found}, expected text", wanted.entry))
                .at(wanted.span)
                .help("take one value out of it, or make it text with `jsonencode(…)`");
            vec![diagnostic]
        })
    }

    fn variable(&self, name: &str) -> Result<Sensitive<Value>, Diagnostic> {
        match self.environment.get(name) {
            Some(value) if !value.is_empty() => Ok(Sensitive::new(Value::string(value))),
            found => {
                let what = if found.is_some() { "is empty" } else { "is not set" };
                Err(Diagnostic::error(format!("the environment variable `{name}` {what}"))
                    .help(format!("set it where hactl runs, as in `{name}=… hactl plan`")))
            }
        }
    }

    async fn command(&self, words: &[String]) -> Result<Sensitive<Value>, Diagnostic> {
        let [program, arguments @ ..] = words else { return Err(Diagnostic::error("`exec` names no command")) };
        let Self { config, environment, .. } = self;
        let arguments = arguments.iter().map(String::as_str).collect();
        let run = Run { program, arguments, directory: &config.directory, environment, limit: TIME_LIMIT };
        let printed = run.output().await.map_err(|trouble| trouble.told(program))?;
        let text = utf8(printed.expose(), &format!("what `{program}` prints"))?;
        let line = text.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).unwrap_or(text);
        if line.is_empty() {
            return Err(Diagnostic::error(format!("`{program}` succeeds, but prints nothing"))
                .help("run it by hand in the config's directory: it has to print the value on standard output"));
        }
        Ok(Sensitive::new(Value::string(line)))
    }
}

/// Answers what is left of an expression once all that is not sensitive is known.
struct RealValues<'a> {
    config: &'a Config,
}

impl Scope for RealValues<'_> {
    fn lookup(&self, root: &str, _: &[ResolvedStep]) -> Result<Lookup, EvalError> {
        Err(EvalError::new(format!("`{root}` cannot be used here")))
    }

    fn file(&self, path: &str) -> Result<Value, EvalError> {
        Err(EvalError::new(format!("the file `{path}` cannot be read here")))
    }

    fn variable(&self, name: &str) -> Result<Value, EvalError> {
        let variable = self.config.variables.get(name);
        variable
            .map(|variable| variable.value.clone())
            .ok_or_else(|| EvalError::new(format!("there is no variable `{name}`")))
    }
}

/// The text of a file.
fn file(directory: &Path, path: &str) -> Result<Sensitive<Value>, Diagnostic> {
    let file = directory.join(path);
    let file = std::path::absolute(&file).unwrap_or(file);
    let unreadable = |reason: &str| {
        Diagnostic::error(format!("cannot read the file `{path}`: {reason}"))
            .help(format!("relative paths start at the config's directory; this one is {}", file.display()))
    };
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => unreadable("there is no such file"),
        ErrorKind::PermissionDenied => unreadable("permission denied"),
        _ => unreadable(&error.to_string()),
    };
    // Opening a pipe would wait for whoever writes to it.
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(unreadable(if about.is_dir() { "it is a directory" } else { "it is no regular file" }));
    }
    let mut buffer = zeroize::Zeroizing::new(Vec::with_capacity(SIZE_LIMIT + 64));
    File::open(&file).and_then(|open| open.take(SIZE_LIMIT as u64 + 1).read_to_end(&mut buffer)).map_err(failed)?;
    if buffer.len() > SIZE_LIMIT {
        return Err(Diagnostic::error(format!("the file `{path}` is larger than 1 MiB"))
            .help("a secret is a text of at most 1 MiB; a large file can be delivered with `files` and `source`"));
    }
    if buffer.is_empty() {
        return Err(Diagnostic::error(format!("the file `{path}` is empty")).help("put the value in it"));
    }
    utf8(&buffer, &format!("the file `{path}`")).map(|text| Sensitive::new(Value::string(text)))
}
