use clap::Args;
use hactl_config::Config;
use hactl_core::Diagnostic;
use hactl_state::git::{Leases, Place, Repository, Seen};
use hactl_state::{Holder, Locked};

use crate::cli::Global;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::{self, Session};
use crate::{lease, run};

/// Show who holds the stack, and remove a lease that was left
///
/// A run that changes a stack holds a lock on this machine, and where `git.push` is on a lease on the remote. The lock ends
/// with its process. A lease ends by itself when its holder is not heard of any more; this removes it before that. A run
/// that still lives then stops at its next heartbeat.
#[derive(Debug, Args)]
#[command(name = "unlock", after_help = "Example:\n  hactl unlock")]
pub(crate) struct Unlock {
    /// Do not ask
    #[arg(long)]
    auto_approve: bool,
}

impl Unlock {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let config = session::load_to_check(global)?;
        let session = Session::open_to_read(global)?;
        let locked = session.store.locked_by()?;
        let leases = leases(&session, &config)?;
        let seen = match &leases {
            Some(leases) => leases.see().map_err(Diagnostic::from)?,
            None => None,
        };
        let (Some(leases), Some(seen)) = (leases, seen) else {
            return match locked {
                Locked::Nobody => {
                    output.message("Nothing is locked.\n");
                    Ok(0)
                }
                locked => Err(alive(&locked).into()),
            };
        };
        if locked != Locked::Nobody {
            output.message(&format!("The lock of this machine is held{}.\n", by(&locked)));
        }
        output.message(&shown(&seen, &config.git.remote));
        if let (Locked::By(holder), Some(lease)) = (&locked, &seen.lease)
            && (holder.pid, &holder.host) == (lease.holder.pid, &lease.holder.host)
        {
            return Err(alive(&locked).into());
        }
        if !self.auto_approve {
            run::approve(
                output,
                "Remove this lease? If its holder still runs, it finishes what it has begun, and begins nothing more.",
            )?;
        }
        if !leases.remove(&seen).map_err(Diagnostic::from)? {
            return Err(Diagnostic::error("the lease is another one by now, and was left alone")
                .detail("its holder has renewed it, so it still runs, or somebody else took it")
                .help("wait for it to end, or look again: `hactl unlock`")
                .into());
        }
        output.message("Removed. Look at `hactl plan` first: its holder may have left something half done.\n");
        Ok(0)
    }
}

/// The lease of the stack, where it is leased at all.
fn leases(session: &Session, config: &Config) -> Result<Option<Leases>, Diagnostic> {
    if !config.git.push || session.is_sandbox() {
        return Ok(None);
    }
    Ok(match Repository::find(&session.store)? {
        Place::Versioned(repository) => {
            repository.check_remote(&config.git.remote)?;
            Some(lease::of(session, &config.git, &repository))
        }
        Place::Ignored(_) | Place::Nowhere => None,
    })
}

fn shown(seen: &Seen, remote: &str) -> String {
    let Some(lease) = &seen.lease else {
        return format!("The lease on {remote} is held; this version cannot read by whom.\n");
    };
    let Holder { operation, user, host, pid, since } = &lease.holder;
    format!(
        "The lease on {remote} is held:\n  by       {user}@{host}, pid {pid}\n  for      hactl {operation}\n  \
         since    {since}\n  renewed  {}\n  expires  {}\n",
        second(lease.renewed),
        second(lease.expires)
    )
}

fn second(time: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn by(locked: &Locked) -> String {
    match locked {
        Locked::By(holder) => format!(" by {holder}"),
        Locked::Nobody | Locked::Unknown => String::new(),
    }
}

/// What a user is told whose own run is in the way.
fn alive(locked: &Locked) -> Diagnostic {
    let help = match locked {
        Locked::By(holder) => format!("wait for it to end, or interrupt it: `kill -INT {}`", holder.pid),
        Locked::Nobody | Locked::Unknown => "wait for it to end".to_owned(),
    };
    Diagnostic::error(format!("the stack is locked on this machine{}", by(locked)))
        .detail("this lock is held by a running process and ends with it; nothing else can remove it")
        .help(help)
}
