//! Why an API server did not do something.

/// Why an operation on a cluster failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// The server was not reached, so nothing was done.
    #[error("{reason}")]
    Unreachable {
        /// Why, as a clause: `connection refused by https://…`.
        reason: String,
    },
    /// The connection broke after the request was sent: whether it was done is not known.
    #[error("the connection to the API server broke while {operation}; whether that was done is not known")]
    Lost {
        /// What was asked for, as in `applying Deployment cattle-system/cattle`.
        operation: String,
    },
    /// The user may not do this.
    #[error("the API server forbids it: {message}")]
    Forbidden {
        /// In the server's words; names user, verb and resource.
        message: String,
    },
    /// Other managers own fields of the object with other values.
    #[error("{}", conflicts_text(.conflicts))]
    Conflict {
        /// The fields; never empty.
        conflicts: Vec<FieldConflict>,
    },
    /// The server does not take the object as it is.
    #[error("the API server does not take it: {message}")]
    Invalid {
        /// In the server's words.
        message: String,
        /// The fields that are wrong, where it names them.
        causes: Vec<Cause>,
    },
    /// The object is not the one that was meant: it was deleted, or deleted and made again.
    #[error("the object is not the one that was looked at: it was deleted meanwhile")]
    OtherObject,
    /// What the operation needs is not there: a namespace, or a type that is not served.
    #[error("{message}")]
    Missing {
        /// In the server's words.
        message: String,
    },
    /// The server refused for another reason.
    #[error("the API server refuses ({status}): {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// In the server's words.
        message: String,
    },
}

/// A field that another manager owns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldConflict {
    /// Its path in the server's notation: `.spec.template.spec.containers[name="web"].image`.
    pub field: String,
    /// The manager that owns it: `kubectl-patch`.
    pub manager: String,
}

/// A field that the server does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Its path in the server's notation: `spec.selector`; empty where it is the object as a whole.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

fn conflicts_text(conflicts: &[FieldConflict]) -> String {
    let fields: Vec<String> =
        conflicts.iter().map(|conflict| format!("{} is owned by {}", conflict.field, conflict.manager)).collect();
    fields.join("; ")
}
