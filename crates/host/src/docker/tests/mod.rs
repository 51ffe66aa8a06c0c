mod configuration;
mod connection;
mod engine;
mod log;
mod operations;
mod reading;
