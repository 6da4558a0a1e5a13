//! kafka-oxide's native core. Three rooms and one direction: `binding` (Node-API glue) -> `core` (Kafka) -> `frame` (the
//! packed message format). See DESIGN.md.

#[cfg(not(target_pointer_width = "64"))]
compile_error!("delivery tags are carried in a pointer and need 64 bits");

pub mod binding;
pub mod core;
pub mod frame;
