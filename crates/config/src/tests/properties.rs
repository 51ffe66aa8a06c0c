//! Laws: no text makes the readers panic.

use super::{START, load_path, load_text};
use crate::{Node, VariableInputs, parse_template_text, parse_templates};
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

    #[test]
    fn objects_stand_in_their_files(
        text in "([a-z]{1,3}|kind: |Secret|List|items: |[:#&*!|>%'\"{},<-]|---|\\$\\{| |\n|\t|\u{e9}|\r){0,30}",
        style in "[|>][-+2]{0,2}",
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hactl.yaml");
        let indented: String = text.split('\n').map(|line| format!("      {line}\n")).collect();
        let quoted = serde_json::to_string(&text).unwrap();
        let manifests = format!("  a: {{file: [a.yaml]}}\n  b: {{inline: {quoted}}}\n  c:\n    inline: {style}\n{indented}");
        std::fs::write(directory.path().join("a.yaml"), &text).unwrap();
        std::fs::write(&path, format!("{START}manifests:\n{manifests}")).unwrap();
        if let Ok(config) = load_path(&path, &VariableInputs::default()) {
            for document in config.documents.values().flatten() {
                prop_assert!(stands_in(&document.node, &config.sources));
            }
        }
    }
}

/// Whether every place in a tree is one in its file, at the start of a character.
fn stands_in(node: &Node, sources: &crate::SourceMap) -> bool {
    sources.text(node.span.source).get(node.span.range()).is_some()
        && node.items().iter().all(|item| stands_in(item, sources))
        && node.entries().iter().all(|entry| stands_in(&entry.value, sources))
}
