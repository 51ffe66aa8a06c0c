mod configuration;
mod connection;
mod engine;
mod operations;
mod reading;
