//! Kafka, without JavaScript: testable with `cargo test`. Only this room names `rdkafka`, and only `ffi` calls it.

pub mod admin;
pub mod config;
pub mod consumer;
pub mod delivery;
pub mod error;
pub mod event;
pub mod fetch;
pub mod ffi;
pub mod groups;
pub mod joins;
pub mod mock;
pub mod producer;
pub mod rebalance;
pub mod requests;
pub mod runtime;
pub mod session;
pub mod topics;
pub mod transactions;

#[cfg(test)]
mod tests;
