//! What is recorded: resources and outputs of a state.

use hactl_core::Address;
use hactl_core::state::{ResourceState, State};
use hactl_core::value::{Map, Value};

use crate::render::plan::fields;
use crate::render::plan::page::{Page, Tone, count};

/// One resource of a state, its fields first, then what became known by applying it.
pub(crate) fn resource(address: &Address, resource: &ResourceState) -> String {
    let mut page = Page::new(false);
    page.line(0, Tone::Plain, address.as_str());
    if let Some(node) = resource.node.as_deref().filter(|node| Some(*node) != address.key()) {
        page.line(4, Tone::Plain, format!("on {node}"));
    }
    fields::all(&mut page, 4, &resource.spec);
    if !resource.outputs.is_empty() {
        page.line(4, Tone::Plain, "outputs:");
        fields::all(&mut page, 6, &Value::Map(resource.outputs.clone()));
    }
    if !resource.dependencies.is_empty() {
        let needs: Vec<&str> = resource.dependencies.iter().map(|dependency| dependency.on.as_str()).collect();
        page.line(4, Tone::Plain, format!("needs: {}", needs.join(", ")));
    }
    for (holds, note) in [
        (resource.protect, "protected: no plan may destroy or replace it"),
        (resource.unproven, "has not proved healthy since its last change"),
        (resource.lost, "its value was lost with an earlier state"),
        (resource.notified, "has not been told yet that something it uses changed"),
        (resource.previous.is_some(), "the one it replaces is still kept beside it"),
    ] {
        if holds {
            page.line(4, Tone::Plain, format!("note: {note}"));
        }
    }
    page.finish()
}

/// A whole state: every resource, then the outputs.
pub(crate) fn state(state: &State) -> String {
    if state.is_empty() && state.outputs.is_empty() {
        return format!("The state of {} is empty: nothing is applied.\n", state.stack);
    }
    let mut page = Page::new(false);
    let (resources, nodes) = (count(state.resources.len(), "resource"), count(state.nodes.len(), "node"));
    page.line(0, Tone::Plain, format!("{} at serial {}: {resources} on {nodes}", state.stack, state.serial));
    for (address, recorded) in &state.resources {
        page.gap();
        page.add(&resource(address, recorded));
    }
    if !state.unfinished.is_empty() {
        page.gap();
        page.line(0, Tone::Plain, "Begun and not ended well (the next plan looks what became of it):");
        for address in state.unfinished.keys() {
            page.line(4, Tone::Plain, address.as_str());
        }
    }
    if !state.outputs.is_empty() {
        page.gap();
        page.line(0, Tone::Plain, "Outputs:");
        page.gap();
        page.add(&outputs(&state.outputs));
    }
    page.finish()
}

/// Outputs by name; nothing where there are none.
pub(crate) fn outputs(outputs: &Map) -> String {
    let mut page = Page::new(false);
    for (name, value) in outputs {
        fields::field(&mut page, 0, name, value);
    }
    page.finish()
}
