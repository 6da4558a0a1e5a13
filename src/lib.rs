pub use napi;
