//! Values that must never be seen: a type that cannot be shown by accident.

use std::fmt;

use zeroize::Zeroize;

/// A value that is not to be shown, logged or stored in plain text.
///
/// It has no `Display` and no `Serialize`, its `Debug` shows no part of it, and its memory is overwritten when it is
/// dropped. [`Sensitive::expose`] is the one way in, so every use can be found by that word.
///
/// ```compile_fail
/// # use hactl_core::Sensitive;
/// format!("{}", Sensitive::new("hunter2".to_owned()));
/// ```
///
/// ```compile_fail
/// # use hactl_core::Sensitive;
/// serde_json::to_string(&Sensitive::new("hunter2".to_owned())).unwrap();
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sensitive<T: Zeroize>(T);

impl<T: Zeroize> Sensitive<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(sensitive)")
    }
}

impl<T: Zeroize> Drop for Sensitive<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Map, Value};

    #[test]
    fn nothing_of_it_is_shown() {
        let text = format!("{:?} {:#?}", Sensitive::new("hunter2".to_owned()), Sensitive::new(vec![1u8, 2]));
        assert_eq!(text, "(sensitive) (sensitive)");
    }

    #[test]
    fn a_value_is_overwritten_in_all_its_parts() {
        let mut value = Value::Map(Map::from([
            ("text".to_owned(), Value::from("hunter2")),
            ("list".to_owned(), Value::from(vec!["hunter2"])),
            ("number".to_owned(), Value::Int(42)),
        ]));
        value.zeroize();
        assert_eq!(value, Value::Null);
        let shared = Value::from("in use elsewhere");
        let mut copy = shared.clone();
        copy.zeroize();
        assert_eq!((copy, shared), (Value::Null, Value::from("in use elsewhere")));
    }
}
