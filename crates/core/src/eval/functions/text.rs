//! Functions on texts. Lengths and offsets count characters (Unicode scalar values).

use super::super::limits::WIDTH;
use super::{Call, EvalError};
use crate::value::Value;

pub(super) fn join(call: &Call<'_>) -> Result<Value, EvalError> {
    let (separator, texts) = (call.text(0)?, call.texts(1)?);
    let separators = separator.len().saturating_mul(texts.len().saturating_sub(1));
    call.check_text(separators.saturating_add(texts.iter().map(|text| text.len()).sum()))?;
    Ok(Value::from(texts.join(&*separator)))
}

pub(super) fn split(call: &Call<'_>) -> Result<Value, EvalError> {
    let (separator, text) = (call.text(0)?, call.text(1)?);
    if separator.is_empty() {
        call.check_items(text.chars().count())?;
        return Ok(Value::List(text.chars().map(|char| Value::from(char.to_string())).collect()));
    }
    call.check_items(text.matches(&*separator).count() + 1)?;
    Ok(Value::List(text.split(&*separator).map(Value::string).collect()))
}

pub(super) fn upper(call: &Call<'_>) -> Result<Value, EvalError> {
    Ok(Value::from(call.text(0)?.to_uppercase()))
}

pub(super) fn lower(call: &Call<'_>) -> Result<Value, EvalError> {
    Ok(Value::from(call.text(0)?.to_lowercase()))
}

pub(super) fn title(call: &Call<'_>) -> Result<Value, EvalError> {
    let text = call.text(0)?;
    let mut titled = String::with_capacity(text.len());
    let mut inside_word = false;
    for char in text.chars() {
        if inside_word {
            titled.push(char);
        } else {
            titled.extend(char.to_uppercase());
        }
        inside_word = char.is_alphanumeric() || char == '\'' || char == '_';
    }
    Ok(Value::from(titled))
}

pub(super) fn trim(call: &Call<'_>) -> Result<Value, EvalError> {
    let (text, characters) = (call.text(0)?, call.text(1)?);
    Ok(Value::string(text.trim_matches(|char| characters.contains(char))))
}

pub(super) fn trimspace(call: &Call<'_>) -> Result<Value, EvalError> {
    Ok(Value::string(call.text(0)?.trim()))
}

pub(super) fn trimprefix(call: &Call<'_>) -> Result<Value, EvalError> {
    let (text, prefix) = (call.text(0)?, call.text(1)?);
    Ok(Value::string(text.strip_prefix(&*prefix).unwrap_or(&text)))
}

pub(super) fn trimsuffix(call: &Call<'_>) -> Result<Value, EvalError> {
    let (text, suffix) = (call.text(0)?, call.text(1)?);
    Ok(Value::string(text.strip_suffix(&*suffix).unwrap_or(&text)))
}

pub(super) fn chomp(call: &Call<'_>) -> Result<Value, EvalError> {
    Ok(Value::string(call.text(0)?.trim_end_matches(['\n', '\r'])))
}

pub(super) fn startswith(call: &Call<'_>) -> Result<Value, EvalError> {
    Ok(Value::Bool(call.text(0)?.starts_with(&*call.text(1)?)))
}

pub(super) fn endswith(call: &Call<'_>) -> Result<Value, EvalError> {
    Ok(Value::Bool(call.text(0)?.ends_with(&*call.text(1)?)))
}

pub(super) fn replace(call: &Call<'_>) -> Result<Value, EvalError> {
    let (text, from, to) = (call.text(0)?, call.text(1)?, call.text(2)?);
    let growth = text.matches(&*from).count().saturating_mul(to.len());
    call.check_text(text.len().saturating_add(growth))?;
    Ok(Value::from(text.replace(&*from, &to)))
}

pub(super) fn substr(call: &Call<'_>) -> Result<Value, EvalError> {
    let (text, offset, length) = (call.text(0)?, call.whole(1)?, call.whole(2)?);
    let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let start = if offset < 0 { count.saturating_add(offset).max(0) } else { offset };
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let taken = usize::try_from(length).unwrap_or(usize::MAX);
    Ok(Value::from(text.chars().skip(start).take(taken).collect::<String>()))
}

pub(super) fn indent(call: &Call<'_>) -> Result<Value, EvalError> {
    let (spaces, text) = (call.size(0, WIDTH)?, call.text(1)?);
    call.check_text(text.matches('\n').count().saturating_mul(spaces + 1).saturating_add(text.len()))?;
    Ok(Value::from(text.replace('\n', &format!("\n{}", " ".repeat(spaces)))))
}
