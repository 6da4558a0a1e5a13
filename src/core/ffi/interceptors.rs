//! librdkafka's interceptors of requests: C's arguments become those of `Observer`.

use std::ffi::{c_char, c_int, c_void, CStr};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use rdkafka::bindings as rd;

use crate::core::requests::{Observer, Received, Sent};

const NAME: &CStr = c"kafka-oxide";
const DONE: rd::rd_kafka_resp_err_t = rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

/// What the interceptors of one handle are given.
pub(super) struct Interceptors {
    observer: Arc<Observer>,
    /// The handle was begun, so that its configuration's interceptors went over to it.
    taken: AtomicBool,
}

impl Interceptors {
    /// Boxed, because the interceptors hold its address.
    pub(super) fn new(observer: Arc<Observer>) -> Box<Interceptors> {
        Box::new(Interceptors { observer, taken: AtomicBool::new(false) })
    }

    /// Has the handle that will be made of `conf` tell the observer of its requests.
    ///
    /// # Safety
    /// `conf` is valid, and this outlives the handle.
    pub(super) unsafe fn install(&self, conf: *mut rd::rd_kafka_conf_t) {
        let opaque = std::ptr::from_ref(self).cast_mut().cast();
        // It can only fail when the same interceptor is there already.
        unsafe { rd::rd_kafka_conf_interceptor_add_on_new(conf, NAME.as_ptr(), Some(on_new), opaque) };
    }

    /// Whether `conf` must not be destroyed after `rd_kafka_new` has failed: that frees the interceptors of its own copy, which
    /// are those that `conf` still points to (rdkafka.c, at `fail:`).
    pub(super) fn are_taken(&self) -> bool {
        self.taken.load(Ordering::Relaxed)
    }
}

unsafe extern "C" fn on_new(
    rk: *mut rd::rd_kafka_t,
    _conf: *const rd::rd_kafka_conf_t,
    interceptors: *mut c_void,
    _errstr: *mut c_char,
    _size: usize,
) -> rd::rd_kafka_resp_err_t {
    // SAFETY: the handle that is being made; the interceptors go with it. The opaque is that of `install`.
    unsafe {
        (*interceptors.cast::<Interceptors>()).taken.store(true, Ordering::Relaxed);
        rd::rd_kafka_interceptor_add_on_request_sent(rk, NAME.as_ptr(), Some(on_request_sent), interceptors);
        rd::rd_kafka_interceptor_add_on_response_received(rk, NAME.as_ptr(), Some(on_response_received), interceptors);
    }
    DONE
}

/// Runs on librdkafka's broker threads, so that no panic may leave it.
fn with(interceptors: *mut c_void, tell: impl FnOnce(&Arc<Observer>)) -> rd::rd_kafka_resp_err_t {
    if !interceptors.is_null() {
        // SAFETY: the opaque of `install`, alive while librdkafka's threads are.
        let Interceptors { observer, .. } = unsafe { &*interceptors.cast::<Interceptors>() };
        let _ = catch_unwind(AssertUnwindSafe(|| tell(observer)));
    }
    DONE
}

/// A C string that librdkafka lends for the time of a callback.
fn bytes(text: &*const c_char) -> &[u8] {
    match text.is_null() {
        true => &[],
        // SAFETY: NUL-terminated, and alive as long as the argument that is borrowed here.
        false => unsafe { CStr::from_ptr(*text) }.to_bytes(),
    }
}

unsafe extern "C" fn on_request_sent(
    _rk: *mut rd::rd_kafka_t,
    _socket: c_int,
    broker: *const c_char,
    node_id: i32,
    api_key: i16,
    api_version: i16,
    correlation_id: i32,
    _size: usize,
    interceptors: *mut c_void,
) -> rd::rd_kafka_resp_err_t {
    with(interceptors, |observer| {
        let broker = bytes(&broker);
        observer.sent(&Sent { api_key, api_version, correlation_id, broker, node_id });
    })
}

/// The correlation id here is always 0 (librdkafka reads it from the request's empty response header).
unsafe extern "C" fn on_response_received(
    _rk: *mut rd::rd_kafka_t,
    _socket: c_int,
    broker: *const c_char,
    _node_id: i32,
    api_key: i16,
    api_version: i16,
    _correlation_id: i32,
    size: usize,
    rtt: i64,
    err: rd::rd_kafka_resp_err_t,
    interceptors: *mut c_void,
) -> rd::rd_kafka_resp_err_t {
    let code = super::code_of_err(err);
    with(interceptors, |observer| {
        let broker = bytes(&broker);
        observer.received(&Received { broker, api_key, api_version, size, rtt, code });
    })
}
