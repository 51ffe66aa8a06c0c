use std::collections::BTreeSet;
use std::fmt::Write;

use clap::Args;
use hactl_kinds::lower;

use crate::cli::Global;
use crate::failure::Failure;
use crate::output::Output;
use crate::session;

/// Print the dependency graph of a config in DOT
///
/// An arrow leads from a resource to what it needs.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl graph | dot -Tsvg > graph.svg")]
pub(crate) struct Graph {
    /// One vertex per instance instead of one per resource
    #[arg(long)]
    instances: bool,
}

impl Graph {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let config = session::load_config(global)?;
        let desired = lower(&config, None).map_err(|diagnostics| Failure::of(&config.sources, diagnostics))?;
        let mut vertices = BTreeSet::new();
        let mut edges = BTreeSet::new();
        for resource in &desired.resources {
            let name = |address: &hactl_core::Address| {
                if self.instances { address.to_string() } else { address.resource().to_owned() }
            };
            let vertex = name(&resource.address);
            edges.extend(resource.dependencies.iter().map(|dependency| (vertex.clone(), name(&dependency.on))));
            vertices.insert(vertex);
        }
        let mut dot = format!("digraph {} {{\n  rankdir = \"RL\";\n  node [shape = rect];\n", quoted(&config.name));
        for vertex in &vertices {
            let _ = writeln!(dot, "  {};", quoted(vertex));
        }
        for (from, to) in &edges {
            let _ = writeln!(dot, "  {} -> {};", quoted(from), quoted(to));
        }
        dot.push_str("}\n");
        output.data(&dot);
        Ok(0)
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
