//! Every operation on a real API server, where `HACTL_LAB_KUBECONFIG` names the kubeconfig of an administrator
//! (`scripts/lab kubernetes && eval "$(scripts/lab env)"`).

#[cfg(test)]
mod operations;
