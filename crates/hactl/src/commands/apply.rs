use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use hactl_config::{Config, SourceMap};
use hactl_core::Diagnostic;
use hactl_core::plan::{Action, Counts, Mode, Plan};
use hactl_core::resolve::{NoOutputs, Secrets, reveal};
use hactl_core::state::State;
use hactl_core::{Sensitive, Value};
use hactl_engine::Applied;
use hactl_state::encryption::label;
use hactl_state::{Loaded, SavedPlan, World};
use tokio::runtime::Runtime;

use crate::cli::Global;
use crate::commands::plan::{self, streamed};
use crate::failure::Failure;
use crate::keyring::{self, Keyring, Values, has_sensitive_expressions};
use crate::output::Output;
use crate::render;
use crate::render::progress::Reporter;
use crate::render::stream::Stream;
use crate::run::{self, ApplyOptions, PlanOptions, Prepared, Start};
use crate::session::{self, Session};
use crate::turn::{self, Applicable, Turn, Wish};
use crate::withheld::given_back;

/// Do what the plan says
///
/// Makes a plan, shows it, asks, and carries it out: in order, and recorded so that a crash at any moment loses nothing.
/// With a saved plan it does exactly that, without asking.
#[derive(Debug, Args)]
#[command(name = "apply", after_help = "Example:\n  hactl apply --sandbox --var webVersion=1.5")]
pub(crate) struct ApplyCommand {
    /// A plan saved by `hactl plan --out`
    #[arg(value_name = "PLAN", conflicts_with_all = ["target", "replace", "refresh_only", "refresh", "volumes", "forget_node", "replace_node"])]
    plan: Option<PathBuf>,
    #[command(flatten)]
    planning: PlanOptions,
    #[command(flatten)]
    applying: ApplyOptions,
}

impl ApplyCommand {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        match &self.plan {
            Some(path) => streamed(self.applying.json, output, || self.saved(path, global, output)),
            None => plan_and_apply("apply", Mode::Normal, &self.planning, &self.applying, global, output),
        }
    }

    fn saved(&self, path: &Path, global: &Global, output: &Output) -> Result<u8, Failure> {
        let saved = SavedPlan::read(path)?;
        let world = if global.sandbox { World::Sandbox } else { World::Real };
        saved.check_world(world)?;
        let session = Session::at(world, saved.directory.clone(), &saved.plan.stack)?;
        let runtime = run::runtime(world)?;
        let mut values = runtime.block_on(sensitive_values(&saved.plan, &session, global))?;
        if let (Some(Value::Sealed(withheld)), Some(header)) = (&saved.withheld, &saved.encryption) {
            values.extend(given_back(&keyring::unseal(&session, header, label::PLAN, withheld)?));
        }
        let wish = Wish {
            operation: "apply",
            wait: self.planning.lock_timeout,
            git: &saved.git,
            no_commit: self.applying.no_commit,
            output,
        };
        let (turn, loaded) = Turn::begin(&session, &wish)?;
        show_warnings(&turn.warnings, output, self.applying.json);
        saved.check_fresh(&loaded, world)?;
        // Where nothing was applied yet, the plan alone knows the lineage.
        let first = || State::new(&saved.plan.stack, &saved.plan.lineage);
        let mut state = loaded.state.clone().unwrap_or_else(first);
        run::rename(&session, &mut state, &saved.plan.moved)?;
        let header = state.encryption.as_ref().or(saved.encryption.as_ref());
        let mut keyring = Keyring::unlock(&session, None, header, &state, values)?;
        keyring.check(&session, &saved.plan)?;
        check_secrets(&saved.plan, &keyring.secrets)?;
        let hosts = session.hosts(&state, keyring.secrets.key.as_ref());
        hosts.check_sources(&saved.plan)?;
        run::check_reachable(&saved.plan, &self.applying)?;
        let reporter = Reporter::new(output, self.applying.json);
        reporter.expect(&saved.plan);
        let applied = {
            let events = |event: hactl_engine::Event<'_>| reporter.take(&event);
            runtime.block_on(async {
                let (state, seen) = run::settle(&hosts, &saved.plan, state, &keyring.secrets, &events).await;
                let start = Start {
                    turn: &turn,
                    plan: &saved.plan,
                    loaded,
                    state,
                    nodes: &seen.nodes,
                    cluster: seen.cluster.as_ref(),
                    parallelism: self.applying.parallelism.into(),
                };
                run::execute(&session, &mut keyring, start, output, &events).await
            })
        };
        reporter.finish();
        let applied = applied?;
        let config = Applicable { digest: saved.config_digest, commit: saved.config_commit.clone() };
        let what = format!("apply {}", saved.plan.stack);
        let ended = turn.end(&turn::message(&what, &applied, &saved.plan, &config));
        conclude(&applied, &saved.plan, ended, output, self.applying.json)
    }
}

/// Shows what the user should know before anything is done.
fn show_warnings(warnings: &[Diagnostic], output: &Output, json: bool) {
    if json {
        Stream::new(output).diagnostics(warnings, &SourceMap::new());
    } else {
        output.message(&render::diagnostic::render(warnings, &SourceMap::new(), output.colors_messages()));
    }
}

/// Refuses other sensitive values than those that a saved plan was made with, before anything is begun.
///
/// Those of secrets that are in the state are as they were, since the state is.
fn check_secrets(plan: &Plan, secrets: &Secrets) -> Result<(), Failure> {
    for change in &plan.changes {
        let mut wrong = false;
        if let Some(after) = &change.after {
            after.for_each_deferred(&mut |deferred| {
                let given = deferred.sensitive && deferred.digest.is_some() && !deferred.expr.has_outputs();
                let stand_in = Value::Deferred(Arc::new(deferred.clone()));
                wrong |= given && reveal(&stand_in, &NoOutputs, secrets).map(Sensitive::new).is_err();
            });
        }
        if wrong {
            return Err(Diagnostic::error("the sensitive values are not those that the plan was made with")
                .about(change.address.as_str())
                .detail(format!("{} would get another value than the one that was planned", change.address))
                .help("give the same values as for `hactl plan`, or make a new plan")
                .into());
        }
    }
    Ok(())
}

/// The sensitive values that a saved plan needs: it does not hold them.
async fn sensitive_values(plan: &Plan, session: &Session, global: &Global) -> Result<Values, Failure> {
    if !has_sensitive_expressions(plan) {
        return Ok(Values::new());
    }
    Ok(run::read_values(session, &session::load_config_of(global, session)?, plan.mode).await?.values)
}

/// What is planned for and applied, and how.
pub(crate) struct Work<'a> {
    pub(crate) mode: Mode,
    pub(crate) session: &'a Session,
    pub(crate) config: &'a Config,
    pub(crate) planning: &'a PlanOptions,
    pub(crate) applying: &'a ApplyOptions,
    pub(crate) output: &'a Output,
}

/// Makes a plan, shows it, asks, and carries it out. `operation` is the command, as in `apply`.
pub(crate) fn plan_and_apply(
    operation: &str,
    mode: Mode,
    planning: &PlanOptions,
    applying: &ApplyOptions,
    global: &Global,
    output: &Output,
) -> Result<u8, Failure> {
    streamed(applying.json, output, || {
        refuse_to_ask_nobody(applying)?;
        let config = session::load_config(global)?;
        let session = Session::open(global, &config)?;
        let runtime = run::runtime(session.world)?;
        let wish =
            Wish { operation, wait: planning.lock_timeout, git: &config.git, no_commit: applying.no_commit, output };
        let (turn, loaded) = Turn::begin(&session, &wish)?;
        let work = Work { mode, session: &session, config: &config, planning, applying, output };
        let prepared = work.prepare(&runtime, &turn, loaded)?;
        let applicable = turn.applicable(&config, global)?;
        work.carry_out(&runtime, turn, prepared, &format!("{operation} {}", config.name), &applicable)
    })
}

/// Refuses `--json` where a question would have to be asked.
pub(crate) fn refuse_to_ask_nobody(applying: &ApplyOptions) -> Result<(), Failure> {
    match applying.json && !applying.auto_approve {
        true => Err(Diagnostic::error("--json cannot ask").help("add --auto-approve, or apply a saved plan").into()),
        false => Ok(()),
    }
}

impl Work<'_> {
    /// Looks at the hosts and makes the plan.
    pub(crate) fn prepare(&self, runtime: &Runtime, turn: &Turn<'_>, loaded: Loaded) -> Result<Prepared, Failure> {
        let reporter = Reporter::new(self.output, self.applying.json);
        let prepared = {
            let events = |event: hactl_engine::Event<'_>| reporter.take(&event);
            runtime.block_on(run::prepare(self.session, self.config, self.planning, self.mode, loaded, &events))
        };
        reporter.finish();
        let mut prepared = prepared?;
        prepared.warnings.extend(turn.warnings.iter().cloned());
        Ok(prepared)
    }

    /// Shows a plan, asks, and carries it out; `what` is the command and its objects, for the commit, and `applicable` the
    /// config as it is found again.
    pub(crate) fn carry_out(
        &self,
        runtime: &Runtime,
        turn: Turn<'_>,
        mut prepared: Prepared,
        what: &str,
        applicable: &Applicable,
    ) -> Result<u8, Failure> {
        let Self { mode, session, config, applying, output, .. } = *self;
        plan::show(&prepared, config, output, applying.json);
        run::check_reachable(&prepared.plan, applying)?;
        prepared.keyring.check(session, &prepared.plan)?;
        if !run::has_work(&prepared) {
            return nothing_to_do(&prepared.plan, turn.end_unchanged(), output, applying.json);
        }
        if !applying.auto_approve && prepared.plan.has_changes() {
            run::approve(output, question(mode))?;
        }
        let reporter = Reporter::new(output, applying.json);
        reporter.expect(&prepared.plan);
        let applied = {
            let events = |event: hactl_engine::Event<'_>| reporter.take(&event);
            let start = Start {
                turn: &turn,
                plan: &prepared.plan,
                loaded: prepared.loaded,
                state: prepared.state,
                nodes: &prepared.nodes,
                cluster: prepared.cluster.as_ref(),
                parallelism: applying.parallelism.into(),
            };
            runtime.block_on(run::execute(session, &mut prepared.keyring, start, output, &events))
        };
        reporter.finish();
        let applied = applied?;
        let ended = turn.end(&turn::message(what, &applied, &prepared.plan, applicable));
        conclude(&applied, &prepared.plan, ended, output, applying.json)
    }
}

fn question(mode: Mode) -> &'static str {
    match mode {
        Mode::Destroy => "Destroy all of this? There is no undo.",
        Mode::Normal => "Do this?",
        Mode::RefreshOnly => "Write what is on the hosts to the state?",
    }
}

fn nothing_to_do(plan: &Plan, ended: Result<String, Diagnostic>, output: &Output, json: bool) -> Result<u8, Failure> {
    let (nothing, destroy) = (Counts::default(), plan.mode == Mode::Destroy);
    if json {
        Stream::new(output).applied(nothing, destroy);
    } else {
        output.data(&format!("\n{}\n", render::plan::applied(nothing, destroy)));
    }
    let told = ended?;
    if !json {
        output.message(&told);
    }
    Ok(0)
}

/// Says what became of an apply, and of its commit.
fn conclude(
    applied: &Applied,
    plan: &Plan,
    ended: Result<String, Diagnostic>,
    output: &Output,
    json: bool,
) -> Result<u8, Failure> {
    let mut diagnostics: Vec<Diagnostic> = applied.failures.iter().map(failure).collect();
    let complete = diagnostics.is_empty() && !applied.interrupted;
    let told = ended.unwrap_or_else(|error| {
        diagnostics.push(error);
        String::new()
    });
    if json {
        let stream = Stream::new(output);
        stream.diagnostics(&diagnostics, &SourceMap::new());
        if complete {
            stream.applied(applied.done, plan.mode == Mode::Destroy);
            stream.outputs(&applied.state.outputs);
        }
    } else {
        output.message(&render::diagnostic::render(&diagnostics, &SourceMap::new(), output.colors_messages()));
        output.data(&format!("\n{}\n", summary(applied, plan, complete)));
        if complete && plan.mode == Mode::Normal && !applied.state.outputs.is_empty() {
            output.data(&format!("\nOutputs:\n\n{}", render::plan::outputs(&applied.state.outputs)));
        }
        if !told.is_empty() {
            output.message(&format!("\n{told}"));
        }
    }
    match (diagnostics.is_empty(), applied.interrupted) {
        (true, false) => Ok(0),
        (true, true) => Err(Failure::Interrupted),
        (false, _) => Err(Failure::Reported),
    }
}

fn summary(applied: &Applied, plan: &Plan, complete: bool) -> String {
    let done = render::plan::applied(applied.done, plan.mode == Mode::Destroy);
    if complete {
        return [Some(done), left_out(plan), kept(plan)].into_iter().flatten().collect::<Vec<_>>().join("\n");
    }
    let counts = done.split_once(' ').map_or(done.as_str(), |(_, rest)| rest);
    let counts = counts.strip_prefix("complete! ").unwrap_or(counts);
    let more = |count: usize, what: &str| if count == 0 { String::new() } else { format!(" {count} {what}.") };
    let failed = more(applied.failures.len(), "failed");
    let skipped = more(applied.skipped.len(), "not begun");
    let mend = if applied.failures.is_empty() { "" } else { "mend the cause and " };
    let next = format!("What was done is in the state; {mend}run it again to go on from there.");
    format!("Not complete. {counts}{failed}{skipped}\n{next}")
}

/// What was not looked at, so that nobody takes the rest for the whole.
fn left_out(plan: &Plan) -> Option<String> {
    if plan.left_out.is_empty() {
        return None;
    }
    let nodes: Vec<&str> = plan.unreachable.keys().map(|node| &**node).collect();
    let nodes = nodes.join(", ");
    let (count, them) = (plan.left_out.len(), if plan.unreachable.len() == 1 { "it does" } else { "they do" });
    let resources = if count == 1 { "resource" } else { "resources" };
    Some(format!("Left out: {count} {resources}, because {nodes} did not answer. Run it again when {them}."))
}

/// The volumes that a destroy leaves, with their data.
fn kept(plan: &Plan) -> Option<String> {
    let volumes =
        plan.changes.iter().filter(|change| change.action == Action::Forget && change.address.primitive() == "volume");
    let volumes: Vec<&str> = volumes.map(|change| change.address.as_str()).collect();
    let volumes = (plan.mode == Mode::Destroy && !volumes.is_empty()).then(|| volumes.join(", "));
    volumes.map(|volumes| format!("Kept with their data: {volumes}. `docker volume rm` on the host removes them."))
}

fn failure(failure: &hactl_engine::Failure) -> Diagnostic {
    let what = match (&failure.address, failure.operation) {
        (Some(address), Some(operation)) => format!("{address}: {}: ", render::progress::noun(address, operation)),
        _ => failure.node.as_ref().map(|node| format!("{node}: ")).unwrap_or_default(),
    };
    let mut diagnostic =
        Diagnostic::error(format!("{what}{}", failure.error.summary)).detail(failure.error.detail.clone());
    diagnostic.help.clone_from(&failure.error.help);
    diagnostic.subject = failure.address.as_ref().map(ToString::to_string);
    diagnostic
}
