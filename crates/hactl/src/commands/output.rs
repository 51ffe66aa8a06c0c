use clap::Args;
use hactl_core::Diagnostic;
use hactl_core::diagnostic::did_you_mean;
use hactl_core::value::Value;
use hactl_state::encryption::label;

use crate::cli::Global;
use crate::commands::show::pretty;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;
use crate::{keyring, render, run};

/// Show the outputs of the last apply
#[derive(Debug, Args)]
#[command(name = "output", after_help = "Example:\n  hactl output --sandbox --raw url")]
pub(crate) struct OutputCommand {
    /// Only this one
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Write JSON
    #[arg(long)]
    json: bool,
    /// Write the bare text of one output
    #[arg(long, requires = "name", conflicts_with = "json")]
    raw: bool,
    /// Show its value although it is sensitive
    #[arg(long, requires = "raw")]
    reveal: bool,
}

impl OutputCommand {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let session = Session::open_to_read(global)?;
        let state = session.state(&run::load_to_read(&session, std::time::Duration::ZERO)?);
        let Some(name) = &self.name else {
            if self.json {
                output.data(&pretty(&render::state_json::outputs_json(&state.outputs)));
            } else {
                output.data(&render::plan::outputs(&state.outputs));
            }
            return Ok(0);
        };
        let value = state.outputs.get(name).ok_or_else(|| unknown(name, state.outputs.keys()))?;
        if let (Value::Sealed(sealed), true) = (value, self.reveal) {
            let open = keyring::reveal(&session, &state, &label::output(name), sealed)?;
            output.message(&format!("The output {name} is sensitive; this is its value.\n"));
            return match open.expose() {
                value @ (Value::List(_) | Value::Map(_)) => {
                    output.data(&pretty(&serde_json::to_value(value).unwrap_or_default()));
                    Ok(0)
                }
                value => raw(name, value, output),
            };
        }
        if !value.is_plain() {
            return Err(Diagnostic::error(format!("output {name} is sensitive"))
                .help(format!("to see its value, run `hactl output --raw --reveal {name}`"))
                .into());
        }
        match (self.raw, value) {
            (true, value) => return raw(name, value, output),
            (false, value) if self.json => output.data(&pretty(&serde_json::to_value(value).unwrap_or_default())),
            (false, value) => output.data(&format!("{}\n", render::value::inline(value))),
        }
        Ok(0)
    }
}

/// Writes the bare text of a value.
fn raw(name: &str, value: &Value, output: &Output) -> Result<u8, Failure> {
    match value {
        Value::String(text) => output.data(text),
        Value::List(_) | Value::Map(_) => {
            return Err(Diagnostic::error(format!("output {name} is {}, not a single value", value.type_name()))
                .help("use --json")
                .into());
        }
        value => output.data(&render::value::inline(value)),
    }
    Ok(0)
}

fn unknown<'a>(name: &str, names: impl Iterator<Item = &'a String>) -> Failure {
    let near = did_you_mean(name, names.map(String::as_str));
    let help = near.map_or_else(
        || "outputs are known after an apply; `hactl output` lists them".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Diagnostic::error(format!("the state has no output {name}")).help(help).into()
}
