//! Turning deferred values into what is known: at plan time as far as possible, at apply altogether.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::Address;
use crate::digest::{Digest, DigestKey};
use crate::eval::{EvalError, Lookup, ResolvedStep, Scope, resolve};
use crate::expr::{Expr, ExprKind, Output};
use crate::sensitive::Sensitive;
use crate::value::{Deferred, Map, Value};

/// The sensitive values of a run: enough to compare them and, at apply, to use them. Never printed or written.
#[derive(Default)]
pub struct Secrets {
    /// The key of this stack's digests; none where nobody here can decrypt it. Then sensitive values cannot be compared.
    pub key: Option<DigestKey>,
    /// Sensitive variables by name, and what else an expression refers to as one.
    pub variables: BTreeMap<String, Sensitive<Value>>,
    /// The sensitive outputs of resources, as state holds them encrypted, by address and name.
    pub entries: BTreeMap<Address, Entries>,
}

/// The sensitive outputs of one resource, by name.
pub type Entries = BTreeMap<String, Sensitive<Value>>;

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    fn entry(&self, address: &Address, name: &str) -> Option<Value> {
        Some(self.entries.get(address)?.get(name)?.expose().clone())
    }

    fn digest(&self, value: &Value) -> Result<Digest, EvalError> {
        let key = self.key.as_ref().ok_or_else(|| {
            EvalError::new("a sensitive value cannot be compared with the one that was applied")
                .help("name an identity that can decrypt the state, in HACTL_AGE_IDENTITY")
        })?;
        Ok(key.digest(value))
    }
}

/// Where the outputs of resources come from.
pub trait Outputs {
    /// An output that is known, or sealed where it is sensitive; none where it is known only after apply.
    fn output(&self, address: &Address, name: &str) -> Option<Value>;
}

/// No resource has an output yet, for values that depend on variables alone.
pub struct NoOutputs;

impl Outputs for NoOutputs {
    fn output(&self, _address: &Address, _name: &str) -> Option<Value> {
        None
    }
}

/// Replaces what is known by now: outputs by their values; sensitive values stay deferred, but get the keyed digest
/// by which they can be compared.
///
/// # Errors
/// When an expression fails now that its values are known.
pub fn fold(value: &Arc<Value>, outputs: &dyn Outputs, secrets: &Secrets) -> Result<Arc<Value>, EvalError> {
    if value.is_plain() {
        return Ok(value.clone());
    }
    let folded = transform(value, &mut |deferred| {
        let stand_in = Value::Deferred(Arc::new(deferred.clone()));
        let open = resolve(&stand_in, &Runtime { outputs, secrets: None })?;
        if !is_sensitive(deferred, outputs) {
            return Ok(open);
        }
        let known = resolve(&open, &Runtime { outputs, secrets: Some(secrets) })?;
        let digest = match &secrets.key {
            Some(key) => known.is_plain().then(|| key.digest(&known)),
            None => sealed_output(&open, outputs),
        };
        let expr = match &open {
            Value::Deferred(rest) => rest.expr.clone(),
            _ => deferred.expr.clone(),
        };
        Ok(Value::Deferred(Arc::new(Deferred { expr, sensitive: true, digest })))
    })?;
    Ok(Arc::new(folded))
}

/// Replaces every deferred value by what it stands for, sensitive ones too: for the eyes of a host only.
///
/// # Errors
/// When something is still not known, or a sensitive value is not the one that was planned with.
pub fn reveal(value: &Value, outputs: &dyn Outputs, secrets: &Secrets) -> Result<Value, EvalError> {
    transform(value, &mut |deferred| {
        let stand_in = Value::Deferred(Arc::new(deferred.clone()));
        let known = resolve(&stand_in, &Runtime { outputs, secrets: Some(secrets) })?;
        if !known.is_plain() {
            return Err(EvalError::new("a value that this resource needs is still not known"));
        }
        match deferred.digest {
            Some(digest) if digest != secrets.digest(&known)? => {
                Err(EvalError::new("a sensitive value is not the one that the plan was made with")
                    .help("make a new plan"))
            }
            _ => Ok(known),
        }
    })
}

/// Replaces every deferred value by what state may keep: the value itself, or the keyed digest of a sensitive one.
///
/// # Errors
/// As [`reveal`].
pub fn seal(value: &Arc<Value>, outputs: &dyn Outputs, secrets: &Secrets) -> Result<Arc<Value>, EvalError> {
    if value.is_plain() {
        return Ok(value.clone());
    }
    let sealed = transform(value, &mut |deferred| {
        let stand_in = Value::Deferred(Arc::new(deferred.clone()));
        let known = reveal(&stand_in, outputs, secrets)?;
        Ok(if is_sensitive(deferred, outputs) { Value::sealed(secrets.digest(&known)?) } else { known })
    })?;
    Ok(Arc::new(sealed))
}

/// Whether a value is sensitive: by itself, or by an output that it is made from.
fn is_sensitive(deferred: &Deferred, outputs: &dyn Outputs) -> bool {
    let mut sensitive = deferred.sensitive;
    deferred.expr.for_each_output(&mut |output| {
        sensitive |= matches!(outputs.output(&output.address, &output.name), Some(Value::Sealed(_)));
    });
    sensitive
}

/// The digest of a value that is nothing but an output which state holds sealed: it needs no key to be told.
fn sealed_output(value: &Value, outputs: &dyn Outputs) -> Option<Digest> {
    let Value::Deferred(deferred) = value else { return None };
    let ExprKind::Output(output) = &deferred.expr.kind else { return None };
    match outputs.output(&output.address, &output.name)? {
        Value::Sealed(sealed) => Some(sealed.digest),
        _ => None,
    }
}

fn transform(
    value: &Value,
    resolve: &mut impl FnMut(&Deferred) -> Result<Value, EvalError>,
) -> Result<Value, EvalError> {
    Ok(match value {
        Value::Deferred(deferred) => resolve(deferred)?,
        Value::List(items) => Value::List(items.iter().map(|item| transform(item, resolve)).collect::<Result<_, _>>()?),
        Value::Map(map) => Value::Map(
            map.iter()
                .map(|(key, item)| Ok((key.clone(), transform(item, resolve)?)))
                .collect::<Result<Map, EvalError>>()?,
        ),
        plain => plain.clone(),
    })
}

struct Runtime<'a> {
    outputs: &'a dyn Outputs,
    secrets: Option<&'a Secrets>,
}

impl Scope for Runtime<'_> {
    fn lookup(&self, root: &str, _steps: &[ResolvedStep]) -> Result<Lookup, EvalError> {
        Err(EvalError::new(format!("`{root}` is not known at apply")))
    }

    fn file(&self, path: &str) -> Result<Value, EvalError> {
        Err(EvalError::new(format!("`{path}` cannot be read at apply")))
    }

    fn output(&self, output: &Output) -> Result<Value, EvalError> {
        let (address, name) = (&output.address, &output.name);
        let later = |sensitive| Value::deferred(Expr::output(address.clone(), name), sensitive);
        Ok(match self.outputs.output(address, name) {
            Some(Value::Sealed(_)) => {
                self.secrets.and_then(|secrets| secrets.entry(address, name)).unwrap_or_else(|| later(true))
            }
            Some(known) => known,
            None => later(false),
        })
    }

    fn variable(&self, name: &str) -> Result<Value, EvalError> {
        match self.secrets {
            None => Ok(Value::deferred(Expr::variable(name), true)),
            Some(secrets) => match secrets.variables.get(name) {
                Some(value) => Ok(value.expose().clone()),
                None if name.contains('.') => Err(EvalError::new(format!("`{name}` has no value"))
                    .help("it is read from where the config says; make a new plan")),
                None => Err(EvalError::new(format!("the sensitive variable `{name}` has no value"))
                    .help(format!("set HACTL_VAR_{name}, or pass --var or --var-file"))),
            },
        }
    }
}
