//! Node-API glue without decisions: arguments in, replies and events out through one threadsafe function per client.

pub mod admin;
pub mod arguments;
pub mod bridge;
pub mod client;
pub mod consumer;
pub mod info;
pub mod mock;
pub mod producer;
