//! Laws: no text makes the readers panic.

use super::{START, load_text};
use crate::{parse_template_text, parse_templates};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_template_panics(text in r#"([$%]?[$%]\{[a-z."\[\]*(){}~:? ]{0,12}\}?|[a-zé"\\\n ]){0,8}"#) {
        let _ = parse_template_text(&text);
    }

    #[test]
    fn no_config_panics(text in "([a-z]{1,3}|[:#&*!|>%@`'\"{}\\[\\],?~<-]|\\$\\{| |\n|\t|\u{e9}|\r){0,40}") {
        let _ = load_text(format!("{START}{text}"));
        let _ = load_text(text);
    }

    #[test]
    fn places_are_inside_the_file(text in "a: [$]?[\"']?[a-zé\\\\$\\{\\}\n ]{0,20}") {
        let mut sources = crate::SourceMap::new();
        let id = sources.add("x", text.clone());
        if let Ok(mut node) = crate::yaml::parse(&sources, id) {
            let mut mistakes = Vec::new();
            parse_templates(&mut node, &sources, &mut mistakes);
            for mistake in mistakes {
                prop_assert!(mistake.labels[0].span.end as usize <= text.len());
            }
        }
    }
}
