//! librdkafka's mock cluster: every `rd_kafka_mock_*` call, wrapped once. Judgement about arguments is made in
//! `core/mock.rs`; here it is only made sure that nothing undefined can happen.

use std::ffi::{c_char, c_int, CString};
use std::ptr::NonNull;

use rdkafka::bindings as rd;

use super::{code_of_err, owned_string};
use crate::core::error::{codes, KafkaError, KafkaResult};

/// A mock cluster together with the client handle that librdkafka keeps its books with. The handle itself never
/// connects.
pub struct RawMockCluster {
    rk: NonNull<rd::rd_kafka_t>,
    cluster: NonNull<rd::rd_kafka_mock_cluster_t>,
}

// SAFETY: librdkafka's handles may be used from any thread. Mock commands travel to the cluster's own thread through
// its op queue, or hold its lock.
unsafe impl Send for RawMockCluster {}
// SAFETY: as above; and destruction needs `&mut self`, so no command is under way then.
unsafe impl Sync for RawMockCluster {}

/// One request that a mock broker received.
pub struct RawRequest {
    pub broker: i32,
    pub api_key: i16,
    /// Microseconds of librdkafka's monotonic clock, which starts anywhere.
    pub timestamp: i64,
}

impl RawMockCluster {
    /// Brokers 1 to `brokers` listen on free loopback ports when this returns. Blocks for a few milliseconds.
    pub fn start(brokers: c_int) -> KafkaResult<Self> {
        // A thread of its own, because the mask that the cluster must inherit must not stay on the caller.
        let starter = std::thread::Builder::new().name("mock-start".into()).spawn(move || {
            block_signals_of_this_thread();
            Self::start_here(brokers)
        });
        let started = starter
            .map_err(|error| error.to_string())
            .and_then(|thread| thread.join().map_err(|_| "the thread that starts it panicked".to_string()));
        started.unwrap_or_else(|reason| Err(cannot_start(&reason)))
    }

    fn start_here(brokers: c_int) -> KafkaResult<Self> {
        // SAFETY: a new conf belongs to us until rd_kafka_new succeeds; the strings are NUL-terminated and live
        // during the calls.
        let rk = unsafe {
            let conf = rd::rd_kafka_conf_new();
            rd::rd_kafka_conf_set_log_cb(conf, Some(ignore_log));
            let mut reason = [0 as c_char; 256];
            rd::rd_kafka_conf_set(conf, c"log_level".as_ptr(), c"0".as_ptr(), reason.as_mut_ptr(), reason.len());
            let rk = rd::rd_kafka_new(rd::rd_kafka_type_t::RD_KAFKA_PRODUCER, conf, reason.as_mut_ptr(), reason.len());
            NonNull::new(rk).ok_or_else(|| {
                rd::rd_kafka_conf_destroy(conf);
                let reason = owned_string(reason.as_ptr()).unwrap_or_default();
                cannot_start(&reason)
            })?
        };
        // SAFETY: rk is alive, and is destroyed after the cluster (see Drop).
        match NonNull::new(unsafe { rd::rd_kafka_mock_cluster_new(rk.as_ptr(), brokers) }) {
            Some(cluster) => Ok(RawMockCluster { rk, cluster }),
            None => {
                // SAFETY: nothing else refers to rk.
                unsafe { rd::rd_kafka_destroy(rk.as_ptr()) };
                Err(cannot_start("no thread or socket left"))
            }
        }
    }

    /// `host:port,host:port`, in the order of the broker ids.
    pub fn bootstraps(&self) -> String {
        // SAFETY: the string lives as long as the cluster.
        unsafe { owned_string(rd::rd_kafka_mock_cluster_bootstraps(self.cluster.as_ptr())) }.unwrap_or_default()
    }

    pub fn set_group_initial_rebalance_delay(&self, ms: i32) {
        // SAFETY: the cluster is alive; takes its lock.
        unsafe { rd::rd_kafka_mock_group_initial_rebalance_delay_ms(self.cluster.as_ptr(), ms) }
    }

    pub fn create_topic(&self, topic: &str, partitions: c_int, replication_factor: c_int) -> KafkaResult<()> {
        let topic = c_string(topic)?;
        // SAFETY: the cluster is alive; the name is copied.
        result(|| unsafe {
            rd::rd_kafka_mock_topic_create(self.cluster.as_ptr(), topic.as_ptr(), partitions, replication_factor)
        })
    }

    pub fn set_broker_down(&self, broker: i32) -> KafkaResult<()> {
        // SAFETY: the cluster is alive.
        result(|| unsafe { rd::rd_kafka_mock_broker_set_down(self.cluster.as_ptr(), broker) })
    }

    pub fn set_broker_up(&self, broker: i32) -> KafkaResult<()> {
        // SAFETY: the cluster is alive.
        result(|| unsafe { rd::rd_kafka_mock_broker_set_up(self.cluster.as_ptr(), broker) })
    }

    pub fn set_latency(&self, broker: i32, ms: c_int) -> KafkaResult<()> {
        // SAFETY: the cluster is alive.
        result(|| unsafe { rd::rd_kafka_mock_broker_set_rtt(self.cluster.as_ptr(), broker, ms) })
    }

    /// The next `errors.len()` requests of this API, to whichever broker, fail one after another.
    pub fn push_request_errors(&self, api_key: i16, errors: &[rd::rd_kafka_resp_err_t]) {
        // SAFETY: the cluster is alive; the array is copied under its lock.
        unsafe {
            let (length, first) = (errors.len(), errors.as_ptr());
            rd::rd_kafka_mock_push_request_errors_array(self.cluster.as_ptr(), api_key, length, first)
        }
    }

    /// The next request of this API to this broker fails and is answered after `delay_ms`; calls queue up. There is
    /// no array twin, so a list is pushed by one call an entry.
    pub fn push_broker_request_error(
        &self,
        broker: i32,
        api_key: i16,
        error: rd::rd_kafka_resp_err_t,
        delay_ms: c_int,
    ) -> KafkaResult<()> {
        let one: usize = 1;
        // SAFETY: the cluster is alive; `one` announces exactly one (error, int) pair, both of C's int size.
        result(|| unsafe {
            rd::rd_kafka_mock_broker_push_request_error_rtts(
                self.cluster.as_ptr(),
                broker,
                api_key,
                one,
                error as c_int,
                delay_ms,
            )
        })
    }

    /// Forgets what `push_request_errors` left over. Errors pushed to one broker stay: librdkafka has no call for
    /// them.
    pub fn clear_request_errors(&self, api_key: i16) {
        // SAFETY: the cluster is alive; takes its lock.
        unsafe { rd::rd_kafka_mock_clear_request_errors(self.cluster.as_ptr(), api_key) }
    }

    pub fn set_leader(&self, topic: &str, partition: i32, broker: i32) -> KafkaResult<()> {
        let topic = c_string(topic)?;
        // SAFETY: the cluster is alive; the name is copied.
        result(|| unsafe {
            rd::rd_kafka_mock_partition_set_leader(self.cluster.as_ptr(), topic.as_ptr(), partition, broker)
        })
    }

    pub fn set_topic_error(&self, topic: &str, error: rd::rd_kafka_resp_err_t) -> KafkaResult<()> {
        let topic = c_string(topic)?;
        // SAFETY: the cluster is alive; the name is copied.
        unsafe { rd::rd_kafka_mock_topic_set_error(self.cluster.as_ptr(), topic.as_ptr(), error) };
        Ok(())
    }

    /// `kind` is `group` or `transaction`.
    pub fn set_coordinator(&self, kind: &str, key: &str, broker: i32) -> KafkaResult<()> {
        let (kind, key) = (c_string(kind)?, c_string(key)?);
        // SAFETY: the cluster is alive; both strings are copied.
        result(|| unsafe {
            rd::rd_kafka_mock_coordinator_set(self.cluster.as_ptr(), kind.as_ptr(), key.as_ptr(), broker)
        })
    }

    pub fn start_request_tracking(&self) {
        // SAFETY: the cluster is alive; takes its lock.
        unsafe { rd::rd_kafka_mock_start_request_tracking(self.cluster.as_ptr()) }
    }

    pub fn stop_request_tracking(&self) {
        // SAFETY: the cluster is alive; takes its lock.
        unsafe { rd::rd_kafka_mock_stop_request_tracking(self.cluster.as_ptr()) }
    }

    pub fn clear_requests(&self) {
        // SAFETY: the cluster is alive; takes its lock.
        unsafe { rd::rd_kafka_mock_clear_requests(self.cluster.as_ptr()) }
    }

    /// What was received since tracking began, oldest first.
    pub fn requests(&self) -> Vec<RawRequest> {
        let mut count = 0;
        // SAFETY: the cluster is alive; the call returns a copy of `count` entries that we free, or NULL when there
        // are none.
        unsafe {
            let entries = rd::rd_kafka_mock_get_requests(self.cluster.as_ptr(), &mut count);
            if entries.is_null() {
                return Vec::new();
            }
            let requests = std::slice::from_raw_parts(entries, count)
                .iter()
                .map(|&entry| RawRequest {
                    broker: rd::rd_kafka_mock_request_id(entry),
                    api_key: rd::rd_kafka_mock_request_api_key(entry),
                    timestamp: rd::rd_kafka_mock_request_timestamp(entry),
                })
                .collect();
            rd::rd_kafka_mock_request_destroy_array(entries, count);
            requests
        }
    }
}

impl Drop for RawMockCluster {
    /// Closes every socket and joins every thread.
    fn drop(&mut self) {
        // SAFETY: both are alive, nobody else has them, and the cluster goes before the handle that it keeps its
        // books with.
        unsafe {
            rd::rd_kafka_mock_cluster_destroy(self.cluster.as_ptr());
            rd::rd_kafka_destroy(self.rk.as_ptr());
        }
    }
}

/// A member of librdkafka's enum, which alone may be passed to it.
pub fn known_error(code: i32) -> Option<rd::rd_kafka_resp_err_t> {
    rd::rd_kafka_resp_err_t::try_from(code).ok()
}

/// `ERR__CRIT_SYS_RESOURCE`: the process or the machine has run out of something.
pub fn cannot_start(reason: &str) -> KafkaError {
    const CRIT_SYS_RESOURCE: i32 = -194;
    KafkaError::new(CRIT_SYS_RESOURCE, format!("The mock cluster cannot be started: {reason}"))
}

fn result(call: impl FnOnce() -> rd::rd_kafka_resp_err_t) -> KafkaResult<()> {
    match code_of_err(call()) {
        codes::NO_ERROR => Ok(()),
        code => Err(KafkaError::from_code(code)),
    }
}

fn c_string(text: &str) -> KafkaResult<CString> {
    CString::new(text).map_err(|_| KafkaError::invalid_argument(format!("{text:?} contains a NUL character")))
}

/// Without a callback librdkafka prints its log to stderr.
unsafe extern "C" fn ignore_log(_: *const rd::rd_kafka_t, _: c_int, _: *const c_char, _: *const c_char) {}

/// The mock cluster's thread inherits the signal mask of the thread that starts it, and ends for good when a signal
/// interrupts its poll (EINTR): every later command would wait for ever. librdkafka masks signals for the threads
/// that `rd_kafka_new` makes, but not for this one.
#[cfg(unix)]
fn block_signals_of_this_thread() {
    /// At least as large and as aligned as `sigset_t` on every Unix that we build for (128 bytes on Linux, 4 on
    /// macOS).
    #[repr(C, align(16))]
    struct SignalSet([u8; 256]);

    extern "C" {
        fn sigfillset(set: *mut SignalSet) -> c_int;
        fn pthread_sigmask(how: c_int, set: *const SignalSet, old: *mut SignalSet) -> c_int;
    }

    const SIG_SETMASK: c_int = if cfg!(target_os = "linux") { 2 } else { 3 };

    let mut all = SignalSet([0; 256]);
    // SAFETY: both calls touch no more than the platform's sigset_t, which fits; NULL asks for no old mask.
    unsafe {
        sigfillset(&mut all);
        pthread_sigmask(SIG_SETMASK, &all, std::ptr::null_mut());
    }
}

#[cfg(not(unix))]
fn block_signals_of_this_thread() {}
