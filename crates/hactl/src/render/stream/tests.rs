//! The messages, without a stream.

use std::time::Duration;

use hactl_core::diagnostic::SourceId;
use hactl_engine::StepError;
use insta::assert_snapshot;

use super::*;
use crate::render::plan::samples;

const STAMP: &str = "2026-01-02T03:04:05.000006Z";

fn text(messages: impl IntoIterator<Item = Json>) -> String {
    messages.into_iter().map(|message| format!("{message}\n")).collect()
}

#[test]
fn version_comes_first() {
    insta::with_settings!({filters => vec![(VERSION, "[version]")]}, {
        assert_snapshot!(text([version(STAMP)]), @r#"{"@level":"info","@message":"hactl [version]","@module":"hactl.ui","@timestamp":"2026-01-02T03:04:05.000006Z","type":"version","hactl":"[version]","terraform":"[version]","ui":"1.2"}"#);
    });
}

#[test]
fn plan_is_drift_changes_and_a_summary() {
    let text = text(plan_messages(&samples::small_plan(), STAMP));
    assert!(!text.contains(samples::SECRET));
    assert_snapshot!(text, @r#"
    {"@level":"info","@message":"file.site[\"node2\"]: Drift detected (update)","@module":"hactl.ui","@timestamp":"2026-01-02T03:04:05.000006Z","type":"resource_drift","change":{"resource":{"addr":"file.site[\"node2\"]","module":"","resource":"file.site[\"node2\"]","implied_provider":"hactl","resource_type":"file","resource_name":"site","resource_key":"node2"},"action":"update"}}
    {"@level":"info","@message":"container.old[\"node1\"]: Plan to delete","@module":"hactl.ui","@timestamp":"2026-01-02T03:04:05.000006Z","type":"planned_change","change":{"resource":{"addr":"container.old[\"node1\"]","module":"","resource":"container.old[\"node1\"]","implied_provider":"hactl","resource_type":"container","resource_name":"old","resource_key":"node1"},"action":"delete","reason":"delete_because_no_resource_config"}}
    {"@level":"info","@message":"container.proxy[\"node1\"]: Plan to create","@module":"hactl.ui","@timestamp":"2026-01-02T03:04:05.000006Z","type":"planned_change","change":{"resource":{"addr":"container.proxy[\"node1\"]","module":"","resource":"container.proxy[\"node1\"]","implied_provider":"hactl","resource_type":"container","resource_name":"proxy","resource_key":"node1"},"action":"create"}}
    {"@level":"info","@message":"container.web[\"node1\"]: Plan to replace","@module":"hactl.ui","@timestamp":"2026-01-02T03:04:05.000006Z","type":"planned_change","change":{"resource":{"addr":"container.web[\"node1\"]","module":"","resource":"container.web[\"node1\"]","implied_provider":"hactl","resource_type":"container","resource_name":"web","resource_key":"node1"},"action":"replace","reason":"replace_because_cannot_update"}}
    {"@level":"info","@message":"container.web[\"node2\"]: Plan to replace","@module":"hactl.ui","@timestamp":"2026-01-02T03:04:05.000006Z","type":"planned_change","change":{"resource":{"addr":"container.web[\"node2\"]","module":"","resource":"container.web[\"node2\"]","implied_provider":"hactl","resource_type":"container","resource_name":"web","resource_key":"node2"},"action":"replace","reason":"replace_because_cannot_update"}}
    {"@level":"info","@message":"file.site[\"node2\"]: Plan to update","@module":"hactl.ui","@timestamp":"2026-01-02T03:04:05.000006Z","type":"planned_change","change":{"resource":{"addr":"file.site[\"node2\"]","module":"","resource":"file.site[\"node2\"]","implied_provider":"hactl","resource_type":"file","resource_name":"site","resource_key":"node2"},"action":"update"}}
    {"@level":"info","@message":"Plan: 3 to add, 1 to change, 3 to destroy.","@module":"hactl.ui","@timestamp":"2026-01-02T03:04:05.000006Z","type":"change_summary","changes":{"add":3,"change":1,"import":0,"remove":3,"forget":0,"move":0,"operation":"plan"}}
    "#);
}

#[test]
fn events() {
    let address = Address::new("container", "web", Some("node1"));
    let error = StepError::new("the image cannot be pulled");
    let elapsed = Duration::from_millis(2300);
    let operation = Operation::Swap;
    let events = [
        Event::Reading { node: "node1", resources: 3 },
        Event::Read { node: "node1", unreachable: Some("connection refused") },
        Event::Started { address: &address, node: Some("node1"), operation },
        Event::Progress { address: &address, text: "pulling nginx:1.27" },
        Event::Ended { address: &address, node: Some("node1"), operation, elapsed, result: Ok(()) },
        Event::Ended { address: &address, node: Some("node1"), operation, elapsed, result: Err(&error) },
        Event::Skipped { address: &address, operation: Operation::Gate },
    ];
    let lines: Vec<Json> = events
        .iter()
        .map(|event| {
            let mut message = event_message(event, STAMP);
            if let Some(resource) = message.pointer_mut("/hook/resource") {
                *resource = resource["addr"].take();
            }
            message
        })
        .collect();
    assert_snapshot!(text(lines), @r#"
    {"@level":"info","@message":"node.node1: Refreshing state...","@module":"hactl.ui","@timestamp":"2026-01-02T03:04:05.000006Z","type":"refresh_start","hook":{"resource":"node.node1","resources":3}}
    {"@level":"warn","@message":"node.node1: Did not answer: connection refused","@module":"hactl.ui","@timestamp":"2026-01-02T03:04:05.000006Z","type":"refresh_complete","hook":{"resource":"node.node1","unreachable":"connection refused"}}
    {"@level":"info","@message":"container.web[\"node1\"]: Replacing...","@module":"hactl.ui","@timestamp":"2026-01-02T03:04:05.000006Z","type":"apply_start","hook":{"resource":"container.web[\"node1\"]","action":"replace","operation":"swap"}}
    {"@level":"info","@message":"container.web[\"node1\"]: pulling nginx:1.27","@module":"hactl.ui","@timestamp":"2026-01-02T03:04:05.000006Z","type":"apply_progress","hook":{"resource":"container.web[\"node1\"]","text":"pulling nginx:1.27"}}
    {"@level":"info","@message":"container.web[\"node1\"]: Replacement complete after 2s","@module":"hactl.ui","@timestamp":"2026-01-02T03:04:05.000006Z","type":"apply_complete","hook":{"resource":"container.web[\"node1\"]","action":"replace","operation":"swap","elapsed_seconds":2}}
    {"@level":"error","@message":"container.web[\"node1\"]: Replacement errored after 2s","@module":"hactl.ui","@timestamp":"2026-01-02T03:04:05.000006Z","type":"apply_errored","hook":{"resource":"container.web[\"node1\"]","action":"replace","operation":"swap","elapsed_seconds":2,"error":"the image cannot be pulled"}}
    {"@level":"warn","@message":"container.web[\"node1\"]: Health check skipped: something it needs failed","@module":"hactl.ui","@timestamp":"2026-01-02T03:04:05.000006Z","type":"log","hook":{"resource":"container.web[\"node1\"]","action":"read","operation":"gate"}}
    "#);
}

#[test]
fn diagnostics_have_a_place() {
    let mut sources = SourceMap::new();
    let source = sources.add("hactl.yaml", "containers:\n  web:\n    imgae: nginx\n".to_owned());
    let span = Span { source, start: 23, end: 28 };
    let diagnostic = Diagnostic::error("unknown key `imgae` in container.web")
        .at(span)
        .help("did you mean `image`?")
        .about("container.web");
    assert_snapshot!(serde_json::to_string_pretty(&diagnostic_message(&diagnostic, &sources, STAMP)).unwrap(), @r#"
    {
      "@level": "error",
      "@message": "Error: unknown key `imgae` in container.web",
      "@module": "hactl.ui",
      "@timestamp": "2026-01-02T03:04:05.000006Z",
      "type": "diagnostic",
      "diagnostic": {
        "severity": "error",
        "summary": "unknown key `imgae` in container.web",
        "detail": "did you mean `image`?",
        "address": "container.web",
        "range": {
          "filename": "hactl.yaml",
          "start": {
            "line": 3,
            "column": 5,
            "byte": 23
          },
          "end": {
            "line": 3,
            "column": 10,
            "byte": 28
          }
        },
        "snippet": {
          "context": null,
          "code": "    imgae: nginx",
          "start_line": 3,
          "highlight_start_offset": 4,
          "highlight_end_offset": 9,
          "values": []
        }
      }
    }
    "#);
    let elsewhere = Diagnostic::warning("odd").at(Span { source: SourceId(7), start: 3, end: 90 });
    assert_eq!(diagnostic_message(&elsewhere, &sources, STAMP)["diagnostic"]["snippet"]["code"], "");
}

#[test]
fn outputs_without_sensitive_values() {
    assert_snapshot!(text([outputs_message(&samples::small_state().outputs, STAMP)]), @r#"{"@level":"info","@message":"Outputs: 2","@module":"hactl.ui","@timestamp":"2026-01-02T03:04:05.000006Z","type":"outputs","outputs":{"token":{"sensitive":true},"url":{"sensitive":false,"type":"string","value":"https://shop.example.com"}}}"#);
}

#[test]
fn time_has_microseconds() {
    let stamp = stamp();
    assert!(stamp.ends_with('Z') && stamp.len() == STAMP.len(), "{stamp}");
}
