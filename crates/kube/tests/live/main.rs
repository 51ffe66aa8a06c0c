//! Every operation on a real API server, where `HACTL_LAB_KUBECONFIG` names the kubeconfig of an administrator
//! (`scripts/lab kubernetes && eval "$(scripts/lab env)"`).
#![expect(clippy::disallowed_methods, reason = "tests change files, and reach hosts, as they like")]

#[cfg(test)]
mod operations;
