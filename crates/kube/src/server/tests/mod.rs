mod connecting;
mod kubeconfig;
mod requests;
mod server;
mod status;
