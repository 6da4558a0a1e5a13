//! Facts about this build.

use std::collections::HashMap;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::bridge::{self, throw};
use crate::core::{event, ffi};
use crate::frame;

/// Runs once when the addon is loaded: a panic is reported as an error by whoever catches it, never on stderr.
#[cfg(not(test))]
#[napi_derive::module_init]
fn on_load() {
    std::panic::set_hook(Box::new(|_| {}));
    ffi::tls::begin();
}

/// This package's version, which its JavaScript must have too.
#[napi(catch_unwind)]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

#[napi(catch_unwind)]
pub fn librdkafka_version() -> String {
    ffi::librdkafka_version()
}

/// librdkafka's `builtin.features`: codecs, security protocols and SASL mechanisms that are linked in.
#[napi(catch_unwind)]
pub fn features() -> Vec<String> {
    let properties = ffi::client::properties();
    let features = properties.into_iter().find(|(name, _)| name == "builtin.features");
    features.map(|(_, list)| list.split(',').map(|name| name.trim().to_owned()).collect()).unwrap_or_default()
}

/// Every librdkafka property with its default, "" where there is none.
#[napi(catch_unwind)]
pub fn properties() -> HashMap<String, String> {
    ffi::client::properties().into_iter().collect()
}

/// `ERR__TIMED_OUT` for -185.
#[napi(catch_unwind)]
pub fn error_name(code: i32) -> String {
    ffi::error_name(code)
}

#[napi(catch_unwind)]
pub fn error_text(code: i32) -> String {
    ffi::error_text(code)
}

/// What a PKCS#12 file holds, as PEM.
#[napi(object)]
pub struct KeyStore {
    pub key: Option<String>,
    pub cert: Option<String>,
    /// The other certificates: intermediate ones and roots.
    pub chain: Vec<String>,
}

/// Opens a PKCS#12 file (`.p12`, `.pfx`). Throws when it is none, or not one of this passphrase.
#[napi(catch_unwind)]
pub fn read_pkcs12(env: Env, bytes: Uint8ArraySlice, passphrase: Option<String>) -> Result<KeyStore> {
    let store = ffi::tls::read_pkcs12(&bytes, passphrase.as_deref()).map_err(|error| throw(&env, &error))?;
    Ok(KeyStore { key: store.key, cert: store.certificate, chain: store.chain })
}

/// The constants of the frame layout, for the test that compares them with `lib/frame/layout.js`.
#[napi(catch_unwind)]
pub fn frame_constants() -> HashMap<String, i32> {
    frame::constants().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// For tests: the frames of all clients of the process that are on their way to JavaScript or held there.
#[napi(catch_unwind)]
pub fn live_frames() -> u32 {
    event::live_frames().try_into().unwrap_or(u32::MAX)
}

/// For tests: behave as where the runtime forbids external buffers.
#[napi(catch_unwind)]
pub fn force_copy(on: bool) {
    bridge::force_copy(on);
}
