//! The examples of the function list, as a config would use them.

use std::fs;

use hactl_core::Value;
use hactl_core::eval::{FUNCTIONS, eval};
use indexmap::IndexMap;

use crate::{Inputs, VariableScope, parse_template_text};

#[test]
fn every_example_yields_what_it_says() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("motd.txt"), "welcome\n").unwrap();
    fs::write(directory.path().join("motd.tpl"), "welcome to ${name}\n").unwrap();
    let inputs = Inputs::new(directory.path());
    let variables = IndexMap::new();
    let scope = VariableScope { variables: &variables, inputs: &inputs };
    for function in FUNCTIONS {
        let expr = parse_template_text(&format!("${{{}}}", function.example)).unwrap();
        let expected: Value = serde_json::from_str(function.result).unwrap();
        assert_eq!(eval(&expr, &scope), Ok(expected), "{}", function.example);
    }
}
