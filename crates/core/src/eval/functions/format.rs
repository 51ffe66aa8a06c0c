//! `format`: Terraform's, for the verbs that configs use.

use super::super::convert;
use super::super::limits::WIDTH;
use super::encoding::json;
use super::{Call, EvalError};
use crate::value::Value;

pub(super) fn format(call: &Call<'_>) -> Result<Value, EvalError> {
    let template = call.text(0)?;
    let mut out = String::new();
    let mut used = 0;
    let mut rest: &str = &template;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let (verb, after) = Verb::parse(call, after)?;
        used += 1;
        if call.optional(used).is_none() {
            return Err(call.error(format!("has no value for verb number {used}, `%{}`", verb.letter)));
        }
        let piece = verb.apply(call, used)?;
        call.check_length(out.len().saturating_add(piece.len()))?;
        out.push_str(&piece);
        rest = after;
    }
    let given = call.arguments.len() - 1;
    if used < given {
        return Err(call.error(format!("is given {given} values for {used} verbs")));
    }
    out.push_str(rest);
    call.check_text(out.len())?;
    Ok(Value::from(out))
}

/// One `%…` of a format: flags, width, precision, and what to write.
struct Verb {
    left: bool,
    zeros: bool,
    plus: bool,
    width: usize,
    precision: Option<usize>,
    letter: char,
}

impl Verb {
    /// Reads what follows a `%`; also returns what is left of the text.
    fn parse<'t>(call: &Call<'_>, text: &'t str) -> Result<(Self, &'t str), EvalError> {
        let flags = &text[..text.find(|char| !"-+0".contains(char)).unwrap_or(text.len())];
        let (width, after) = leading_number(call, &text[flags.len()..])?;
        let (precision, after) = match after.strip_prefix('.') {
            Some(after) => leading_number(call, after).map(|(number, after)| (Some(number), after))?,
            None => (None, after),
        };
        let mut chars = after.chars();
        let letter = chars
            .next()
            .ok_or_else(|| call.error("ends in the middle of a verb").help("a percent sign is written `%%`"))?;
        let (left, zeros, plus) = (flags.contains('-'), flags.contains('0'), flags.contains('+'));
        Ok((Self { left, zeros, plus, width, precision, letter }, chars.as_str()))
    }

    fn apply(&self, call: &Call<'_>, index: usize) -> Result<String, EvalError> {
        let text = match self.letter {
            's' => self.cut(call.text(index)?.into_owned()),
            'v' => match convert::as_text(call.value(index)) {
                Some(text) => text.into_owned(),
                None => json(call.value(index))?,
            },
            'q' => json(&Value::string(call.text(index)?))?,
            't' => convert::as_bool(call.value(index))
                .ok_or_else(|| {
                    call.error(format!("needs true or false for `%t`, not {}", call.value(index).type_name()))
                })?
                .to_string(),
            'd' => {
                return Ok(self.pad_number(call.whole(index)? < 0, call.whole(index)?.unsigned_abs().to_string()));
            }
            'x' => return self.radix(call, index, |number| format!("{number:x}")),
            'X' => return self.radix(call, index, |number| format!("{number:X}")),
            'o' => return self.radix(call, index, |number| format!("{number:o}")),
            'b' => return self.radix(call, index, |number| format!("{number:b}")),
            'f' => {
                let number = call.number(index)?.as_f64();
                let precision = self.precision.unwrap_or(6);
                return Ok(self.pad_number(number < 0.0, format!("{:.precision$}", number.abs())));
            }
            other => {
                return Err(call
                    .error(format!("does not know the verb `%{other}`"))
                    .help("verbs are: %s %v %q %t %d %x %X %o %b %f; a percent sign is written `%%`"));
            }
        };
        Ok(self.pad(text))
    }

    fn radix(&self, call: &Call<'_>, index: usize, digits: fn(u64) -> String) -> Result<String, EvalError> {
        let number = call.whole(index)?;
        Ok(self.pad_number(number < 0, digits(number.unsigned_abs())))
    }

    fn cut(&self, text: String) -> String {
        match self.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text,
        }
    }

    /// Adds the sign, and zeros after it where they are asked for.
    fn pad_number(&self, negative: bool, digits: String) -> String {
        let sign = match (negative, self.plus) {
            (true, _) => "-",
            (false, true) => "+",
            (false, false) => "",
        };
        let missing = self.width.saturating_sub(sign.len() + digits.len());
        let zeros = if self.zeros && !self.left { "0".repeat(missing) } else { String::new() };
        self.pad(format!("{sign}{zeros}{digits}"))
    }

    fn pad(&self, text: String) -> String {
        let spaces = " ".repeat(self.width.saturating_sub(text.chars().count()));
        if self.left { text + &spaces } else { spaces + &text }
    }
}

/// The digits a text starts with as a number, 0 without any.
fn leading_number<'t>(call: &Call<'_>, text: &'t str) -> Result<(usize, &'t str), EvalError> {
    let end = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (digits, after) = text.split_at(end);
    let number = if digits.is_empty() { Some(0) } else { digits.parse().ok() };
    number
        .filter(|number| *number <= WIDTH)
        .map(|number| (number, after))
        .ok_or_else(|| call.error(format!("allows widths and precisions up to {WIDTH}, not {digits:.20}")))
}
