mod configuration;
mod connection;
mod engine;
mod live;
mod operations;
mod reading;
