//! What can be made to go wrong in the sandbox.

use clap::{Subcommand, ValueEnum};
use hactl_core::Diagnostic;
use hactl_sim::{Fault, Moment, Operation};

use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum FaultKind {
    /// The host does not answer; with `--node kubernetes`, the API server
    HostDown,
    /// Every operation takes longer
    Latency {
        /// How much longer, in milliseconds
        #[arg(value_name = "MILLISECONDS")]
        milliseconds: u64,
    },
    /// The connection breaks after an operation took effect
    ConnectionLost {
        /// Which operation, as in start_container; every one that has an effect where left out
        #[arg(value_name = "OPERATION")]
        operation: Option<String>,
    },
    /// Docker Engine refuses an operation, or the API server forbids it
    Refuse {
        /// Which operation, as in start_container, apply or dry_run
        #[arg(value_name = "OPERATION")]
        operation: String,
    },
    /// The registry does not have an image
    PullFails {
        /// The image with its tag; every image where left out
        #[arg(value_name = "IMAGE")]
        image: Option<String>,
    },
    /// A registry wants a login for its images
    RegistryNeedsLogin {
        /// The registry as in image names; docker.io for images without a host
        #[arg(value_name = "REGISTRY")]
        registry: String,
        /// The user it lets in
        #[arg(value_name = "USERNAME")]
        username: String,
        /// That user's password
        #[arg(value_name = "PASSWORD")]
        password: String,
    },
    /// The disk of the host is full
    DiskFull,
    /// A container ends as soon as it was started
    ContainerExits {
        /// The container's name
        #[arg(value_name = "CONTAINER")]
        container: String,
        /// Its exit code
        #[arg(value_name = "CODE", default_value_t = 1)]
        code: i64,
    },
    /// A container never becomes healthy
    Unhealthy {
        /// The container's name
        #[arg(value_name = "CONTAINER")]
        container: String,
    },
    /// A Kubernetes object does not become ready: its pods crash
    Unready {
        /// The object, as in Deployment/shop/web
        #[arg(value_name = "OBJECT")]
        object: String,
    },
    /// A container has to be killed to stop
    IgnoresTerm {
        /// The container's name
        #[arg(value_name = "CONTAINER")]
        container: String,
    },
    /// hactl itself is killed at an operation
    Crash {
        /// Whether the operation still takes effect
        #[arg(value_enum, value_name = "WHEN", default_value_t = When::After)]
        when: When,
        /// Which operation, as in start_container; every one that has an effect where left out
        #[arg(value_name = "OPERATION")]
        operation: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum When {
    /// The operation has had no effect
    Before,
    /// The operation has taken effect
    After,
}

impl FaultKind {
    /// The fault that was asked for.
    pub(super) fn fault(&self) -> Result<Fault, Failure> {
        let operation = |text: &String| {
            text.parse::<Operation>().map_err(|error| Failure::from(Diagnostic::error(error.to_string())))
        };
        Ok(match self {
            Self::HostDown => Fault::HostDown,
            Self::Latency { milliseconds } => Fault::Latency { ms: *milliseconds },
            Self::ConnectionLost { operation: name } => {
                Fault::ConnectionLost { operation: name.as_ref().map(operation).transpose()? }
            }
            Self::Refuse { operation: name } => Fault::Refuse { operation: operation(name)? },
            Self::PullFails { image } => Fault::PullFails { image: image.clone() },
            Self::RegistryNeedsLogin { registry, username, password } => Fault::RegistryNeedsLogin {
                registry: registry.clone(),
                username: username.clone(),
                password: password.clone(),
            },
            Self::DiskFull => Fault::DiskFull,
            Self::ContainerExits { container, code } => Fault::ContainerExits { name: container.clone(), code: *code },
            Self::Unhealthy { container } => Fault::Unhealthy { name: container.clone() },
            Self::Unready { object } => Fault::Unready { name: object.clone() },
            Self::IgnoresTerm { container } => Fault::IgnoresTerm { name: container.clone() },
            Self::Crash { when, operation: name } => Fault::Crash {
                operation: name.as_ref().map(operation).transpose()?,
                when: match when {
                    When::Before => Moment::Before,
                    When::After => Moment::After,
                },
            },
        })
    }
}
