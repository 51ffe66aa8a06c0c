//! Turning deferred values into what is known: at plan time as far as possible, at apply altogether.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::Address;
use crate::digest::DigestKey;
use crate::eval::{EvalError, Lookup, ResolvedStep, Scope, resolve};
use crate::expr::{Expr, Output};
use crate::value::{Deferred, Map, Value};

/// The sensitive values of a run: enough to compare them and, at apply, to use them. Never printed or written.
pub struct Secrets {
    /// The key of this stack's digests.
    pub key: DigestKey,
    /// Sensitive variables by name, and what else an expression refers to as one.
    pub variables: BTreeMap<String, Value>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

/// Where the outputs of resources come from.
pub trait Outputs {
    /// An output that is known; none where it is known only after apply.
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
        if !deferred.sensitive {
            return Ok(open);
        }
        let known = resolve(&open, &Runtime { outputs, secrets: Some(secrets) })?;
        let digest = known.is_plain().then(|| secrets.key.digest(&known));
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
        if deferred.digest.is_some_and(|digest| digest != secrets.key.digest(&known)) {
            return Err(
                EvalError::new("a sensitive value is not the one that the plan was made with").help("make a new plan")
            );
        }
        Ok(known)
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
        let known = reveal(&Value::Deferred(Arc::new(deferred.clone())), outputs, secrets)?;
        Ok(if deferred.sensitive { Value::sealed(secrets.key.digest(&known)) } else { known })
    })?;
    Ok(Arc::new(sealed))
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
        Ok(self
            .outputs
            .output(&output.address, &output.name)
            .unwrap_or_else(|| Value::deferred(Expr::output(output.address.clone(), &output.name), false)))
    }

    fn variable(&self, name: &str) -> Result<Value, EvalError> {
        match self.secrets {
            None => Ok(Value::deferred(Expr::variable(name), true)),
            Some(secrets) => secrets.variables.get(name).cloned().ok_or_else(|| {
                EvalError::new(format!("the sensitive variable `{name}` has no value"))
                    .help(format!("set HACTL_VAR_{name}, or pass --var or --var-file"))
            }),
        }
    }
}
