//! Every call into librdkafka and OpenSSL, wrapped once and safely. `unsafe` lives here (and in the N-API glue of `binding`), nowhere else.

use std::ffi::CStr;

use rdkafka::bindings as rd;

use crate::core::error::KafkaError;
use crate::core::error::KafkaResult;

pub mod admin;
pub mod client;
mod interceptors;
pub mod message;
pub mod metadata;
pub mod mock;
pub mod partitions;
pub mod produce;
pub mod queue;
mod raw;
pub mod tls;
pub mod transactions;

pub use client::{Callbacks, Client, Kind};
pub use message::{Message, Messages};
pub use partitions::{Partition, PartitionList};
pub use produce::{ProduceBatch, Topic};
pub use queue::{Event, EventKind, Queue};

/// librdkafka's version, "2.12.1".
pub fn librdkafka_version() -> String {
    // SAFETY: a static string.
    unsafe { owned_string(rd::rd_kafka_version_str()) }.unwrap_or_default()
}

/// `ERR__TIMED_OUT` for -185: librdkafka's name of a code, with the prefix that its C constants carry.
/// A code newer than the library is `ERR_<number>`.
pub fn error_name(code: i32) -> String {
    match rd::rd_kafka_resp_err_t::try_from(code) {
        // SAFETY: takes any member of the enum, returns a static string.
        Ok(err) => format!("ERR_{}", unsafe { owned_string(rd::rd_kafka_err2name(err)) }.unwrap_or_default()),
        Err(_) => format!("ERR_{code}"),
    }
}

/// librdkafka's sentence for a code.
pub fn error_text(code: i32) -> String {
    match rd::rd_kafka_resp_err_t::try_from(code) {
        // SAFETY: takes any member of the enum, returns a static string.
        Ok(err) => unsafe { owned_string(rd::rd_kafka_err2str(err)) }.unwrap_or_default(),
        Err(_) => format!("Broker error {code}, which this client does not know"),
    }
}

/// A returned code as a number. Only of calls whose codes are librdkafka's own; where a broker's may come the call is in `raw`.
pub(crate) fn code_of_err(err: rd::rd_kafka_resp_err_t) -> i32 {
    err as i32
}

/// The code in a struct that a broker's answer filled. The bindings declare a Rust enum, which a broker newer than the
/// library can leave: reading the number never treats such a value as a member.
///
/// # Safety
/// `field` points to a valid field.
pub(crate) unsafe fn code_of_field(field: *const rd::rd_kafka_resp_err_t) -> i32 {
    unsafe { *field.cast::<i32>() }
}

/// Turns librdkafka's rich error into ours and frees it; NULL is success.
pub(crate) fn take_error(error: *mut rd::rd_kafka_error_t) -> KafkaResult<()> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: a valid error that the caller owns.
    unsafe {
        let code = raw::rd_kafka_error_code(error);
        let text = owned_string(rd::rd_kafka_error_string(error)).unwrap_or_default();
        let mut result = KafkaError::new(code, text);
        result.fatal |= rd::rd_kafka_error_is_fatal(error) != 0;
        result.retriable |= rd::rd_kafka_error_is_retriable(error) != 0;
        result.abortable |= rd::rd_kafka_error_txn_requires_abort(error) != 0;
        rd::rd_kafka_error_destroy(error);
        Err(result)
    }
}

/// A copy of a C string, `None` for NULL. Invalid UTF-8 is replaced, not refused.
///
/// # Safety
/// `text` is NULL or points to a NUL-terminated string that lives during the call.
pub(crate) unsafe fn owned_string(text: *const std::os::raw::c_char) -> Option<String> {
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
