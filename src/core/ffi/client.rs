//! A librdkafka handle with its configuration, and the callbacks that librdkafka calls from its own threads.

use std::borrow::Cow;
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

use rdkafka::bindings as rd;

use super::interceptors::Interceptors;
use super::tls::{self, ServerName};
use super::{code_of_err, owned_string, raw, take_error, Queue};
use crate::core::config::{self, Config};
use crate::core::error::{codes, KafkaError, KafkaResult};
use crate::core::event::Token;
use crate::core::requests::Observer;

/// What librdkafka calls from threads of its own. Implementations only take note and return.
pub trait Callbacks: Send + Sync + 'static {
    /// `level` is syslog's, 0 to 7.
    fn log(&self, level: i32, facility: &str, message: &str);
    /// A queue that was empty has something now.
    fn wake(&self);
    /// A new OAUTHBEARER token is needed. Called when the configuration says `TOKEN_EVENTS`.
    fn token_needed(&self, config: &str);
    /// A broker's certificate is refused, which librdkafka's own error does not explain.
    fn certificate_refused(&self, broker: &str, reason: &str);
    /// Is told of every request to a broker.
    fn observer(&self) -> Arc<Observer>;
}

/// What librdkafka's opaque points to.
pub(crate) struct Opaque {
    callbacks: Arc<dyn Callbacks>,
    /// Instead of the broker's host name.
    server_name: Option<ServerName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Producer,
    Consumer,
}

/// Sets every property on a new `rd_kafka_conf_t`; the error names the property and what librdkafka says of the value.
struct Conf(*mut rd::rd_kafka_conf_t);

impl Conf {
    fn new(config: &Config) -> KafkaResult<Conf> {
        // SAFETY: creates an object that this struct owns until `rd_kafka_new` takes it.
        let conf = Conf(unsafe { rd::rd_kafka_conf_new() });
        for (name, value) in config.librdkafka() {
            conf.set(name, value)?;
        }
        Ok(conf)
    }

    fn set(&self, name: &str, value: &str) -> KafkaResult<()> {
        let mut text = ErrorText::new();
        let (c_name, c_value) = (c_string(name)?, c_string(value)?);
        // SAFETY: valid conf, NUL-terminated strings, buffer of the size said.
        let result =
            unsafe { rd::rd_kafka_conf_set(self.0, c_name.as_ptr(), c_value.as_ptr(), text.pointer(), text.size()) };
        match result {
            rd::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK => Ok(()),
            _ => Err(KafkaError::invalid_argument(text.take())),
        }
    }

    /// Frees the values, passwords and certificates above all, and leaves the rest, some 3 KB, to nobody.
    fn give_up(&mut self, config: &Config) {
        for (name, _) in config.librdkafka() {
            let _ = self.set(name, "");
        }
        self.0 = std::ptr::null_mut();
    }
}

impl Drop for Conf {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: still ours: `rd_kafka_new` did not take it.
            unsafe { rd::rd_kafka_conf_destroy(self.0) }
        }
    }
}

/// Checks the properties without opening anything.
pub fn check_config(config: &Config) -> KafkaResult<()> {
    config.get(config::SERVER_NAME).map(ServerName::new).transpose()?;
    Conf::new(config).map(drop)
}

/// Every property that librdkafka knows, with its default ("" where there is none).
pub fn properties() -> Vec<(String, String)> {
    let mut list = Vec::new();
    // SAFETY: the dumps are arrays of name, value, name, value …, freed by their own function.
    unsafe {
        let conf = rd::rd_kafka_conf_new();
        let topic_conf = rd::rd_kafka_topic_conf_new();
        let mut count = 0;
        let dump = rd::rd_kafka_conf_dump(conf, &mut count);
        let mut topic_count = 0;
        let topic_dump = rd::rd_kafka_topic_conf_dump(topic_conf, &mut topic_count);
        for (array, length) in [(dump, count), (topic_dump, topic_count)] {
            for pair in 0..length / 2 {
                let name = owned_string(*array.add(pair * 2)).unwrap_or_default();
                list.push((name, owned_string(*array.add(pair * 2 + 1)).unwrap_or_default()));
            }
            rd::rd_kafka_conf_dump_free(array, length);
        }
        rd::rd_kafka_topic_conf_destroy(topic_conf);
        rd::rd_kafka_conf_destroy(conf);
    }
    // `rd_kafka_conf_dump` leaves out what has no default, and the aliases.
    for name in PROPERTIES_WITHOUT_DEFAULT {
        if !list.iter().any(|(known, _)| known == name) {
            list.push((name.to_string(), String::new()));
        }
    }
    list
}

/// Properties that the dump leaves out, checked by a test to be known to librdkafka.
const PROPERTIES_WITHOUT_DEFAULT: &[&str] = &[
    // aliases
    "acks",
    "compression.type",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "linger.ms",
    "max.in.flight",
    "max.partition.fetch.bytes",
    "retries",
    "sasl.mechanism",
    "sasl.oauthbearer.client.credentials.client.id",
    "sasl.oauthbearer.client.credentials.client.secret",
    // without a default
    "https.ca.location",
    "https.ca.pem",
    "sasl.oauthbearer.assertion.claim.aud",
    "sasl.oauthbearer.assertion.claim.iss",
    "sasl.oauthbearer.assertion.claim.sub",
    "sasl.oauthbearer.assertion.file",
    "sasl.oauthbearer.assertion.jwt.template.file",
    "sasl.oauthbearer.assertion.private.key.file",
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "sasl.oauthbearer.assertion.private.key.pem",
    "ssl.engine.location",
    "bootstrap.servers",
    "metadata.broker.list",
    "debug",
    "group.id",
    "group.instance.id",
    "group.remote.assignor",
    "client.rack",
    "transactional.id",
    "sasl.username",
    "sasl.password",
    "sasl.kerberos.keytab",
    "sasl.oauthbearer.config",
    "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.extensions",
    "sasl.oauthbearer.scope",
    "sasl.oauthbearer.token.endpoint.url",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.key.location",
    "ssl.key.pem",
    "ssl.key.password",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.crl.location",
    "ssl.cipher.suites",
    "ssl.curves.list",
    "ssl.sigalgs.list",
    "ssl.providers",
    "topic.blacklist",
    "plugin.library.paths",
];

/// A handle. Dropping it destroys the librdkafka instance, which joins its threads: do that off the event loop, and after
/// every `Queue` and `Topic` of it is gone (they hold an `Arc` of this).
pub struct Client {
    rk: *mut rd::rd_kafka_t,
    /// Lives as long as the threads that use it.
    opaque: Box<Opaque>,
    /// What the interceptors are given, for as long.
    _interceptors: Box<Interceptors>,
}

// SAFETY: librdkafka's API is thread-safe on one handle.
unsafe impl Send for Client {}
unsafe impl Sync for Client {}

impl Client {
    pub fn new(kind: Kind, config: &Config, callbacks: Arc<dyn Callbacks>) -> KafkaResult<Arc<Client>> {
        let mut conf = Conf::new(config)?;
        let server_name = config.get(config::SERVER_NAME).map(ServerName::new).transpose()?;
        let interceptors = Interceptors::new(callbacks.observer());
        let opaque = Box::new(Opaque { callbacks, server_name });
        let mut text = ErrorText::new();
        let events = rd::RD_KAFKA_EVENT_DR
            | rd::RD_KAFKA_EVENT_ERROR
            | rd::RD_KAFKA_EVENT_STATS
            | rd::RD_KAFKA_EVENT_REBALANCE
            | rd::RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH;
        let kind = match kind {
            Kind::Producer => rd::rd_kafka_type_t::RD_KAFKA_PRODUCER,
            Kind::Consumer => rd::rd_kafka_type_t::RD_KAFKA_CONSUMER,
        };
        // SAFETY: the opaques point into boxes, which the returned value keeps for as long as the handle lives.
        // The log callback is set before the handle exists, so nothing ever reaches librdkafka's default logger (stderr).
        let rk = unsafe {
            rd::rd_kafka_conf_set_opaque(conf.0, (&*opaque as *const Opaque).cast_mut().cast());
            rd::rd_kafka_conf_set_log_cb(conf.0, Some(on_log));
            if !matches!(config.get("enable.ssl.certificate.verification"), Some("false" | "f" | "0")) {
                rd::rd_kafka_conf_set_ssl_cert_verify_cb(conf.0, Some(on_certificate));
            }
            if config.get(config::TOKEN_EVENTS) == Some("true") {
                rd::rd_kafka_conf_set_oauthbearer_token_refresh_cb(conf.0, Some(on_token_needed));
                // A queue of its own: the main and the consumer queue are not looked at while the application stalls.
                rd::rd_kafka_conf_enable_sasl_queue(conf.0, 1);
            }
            rd::rd_kafka_conf_set_events(conf.0, events);
            interceptors.install(conf.0);
            rd::rd_kafka_new(kind, conf.0, text.pointer(), text.size())
        };
        if rk.is_null() {
            if interceptors.are_taken() {
                conf.give_up(config);
            }
            return Err(KafkaError::invalid_argument(text.take()));
        }
        conf.0 = std::ptr::null_mut(); // rd_kafka_new took it
        let client = Arc::new(Client { rk, opaque, _interceptors: interceptors });
        if kind == rd::rd_kafka_type_t::RD_KAFKA_CONSUMER {
            // SAFETY: valid handle. All events then arrive on the consumer queue.
            let code = code_of_err(unsafe { rd::rd_kafka_poll_set_consumer(rk) });
            if code != codes::NO_ERROR {
                return Err(KafkaError::from_code(code));
            }
        }
        Ok(client)
    }

    pub(crate) fn raw(&self) -> *mut rd::rd_kafka_t {
        self.rk
    }

    /// Has librdkafka ask for tokens, on its background thread, from now on. Only with `TOKEN_EVENTS`.
    pub fn ask_for_tokens(&self) -> KafkaResult<()> {
        // SAFETY: valid handle; the error is ours.
        take_error(unsafe { rd::rd_kafka_sasl_background_callbacks_enable(self.rk) })
    }

    /// The token for OAUTHBEARER, valid until `expires_ms` (since the epoch). No error text holds it.
    pub fn set_token(&self, token: &Token) -> KafkaResult<()> {
        let secret = |text: &str| {
            CString::new(text).map_err(|_| KafkaError::invalid_argument("A token must not contain a NUL character"))
        };
        let (value, principal) = (secret(&token.value)?, secret(&token.principal)?);
        let extensions = token.extensions.iter().map(|text| secret(text)).collect::<KafkaResult<Vec<_>>>()?;
        let mut pointers: Vec<*const c_char> = extensions.iter().map(|text| text.as_ptr()).collect();
        let mut text = ErrorText::new();
        // SAFETY: valid handle and strings, which are copied; name and value of each extension alternate.
        let code = code_of_err(unsafe {
            rd::rd_kafka_oauthbearer_set_token(
                self.rk,
                value.as_ptr(),
                token.expires_ms,
                principal.as_ptr(),
                pointers.as_mut_ptr(),
                pointers.len(),
                text.pointer(),
                text.size(),
            )
        });
        match code {
            codes::NO_ERROR => Ok(()),
            code => Err(KafkaError::new(code, text.take())),
        }
    }

    /// There is no token, for this reason, which becomes an error of the client. librdkafka asks again 10 s later.
    pub fn set_token_failure(&self, reason: &str) -> KafkaResult<()> {
        let reason = c_string(&reason.replace('\0', ""))?;
        // SAFETY: valid handle and string, which is copied.
        match code_of_err(unsafe { rd::rd_kafka_oauthbearer_set_token_failure(self.rk, reason.as_ptr()) }) {
            codes::NO_ERROR => Ok(()),
            code => Err(KafkaError::from_code(code)),
        }
    }

    /// syslog's, 0 to 7: what is above it is not even formatted.
    pub fn set_log_level(&self, level: i32) {
        // SAFETY: valid handle.
        unsafe { rd::rd_kafka_set_log_level(self.rk, level) };
    }

    /// The queue of delivery reports, errors and statistics (producer).
    pub fn main_queue(self: &Arc<Self>) -> Queue {
        // SAFETY: valid handle; a new reference.
        Queue::own(self, unsafe { rd::rd_kafka_queue_get_main(self.rk) })
    }

    /// The queue of rebalances, errors and statistics (consumer).
    pub fn consumer_queue(self: &Arc<Self>) -> Queue {
        // SAFETY: as above; never NULL for a consumer with a group.
        Queue::own(self, unsafe { rd::rd_kafka_queue_get_consumer(self.rk) })
    }

    pub fn new_queue(self: &Arc<Self>) -> Queue {
        // SAFETY: valid handle.
        Queue::own(self, unsafe { rd::rd_kafka_queue_new(self.rk) })
    }

    pub fn partition_queue(self: &Arc<Self>, topic: &str, partition: i32) -> KafkaResult<Queue> {
        let topic = c_string(topic)?;
        // SAFETY: valid handle and string; NULL is answered for an illegal partition.
        let queue = unsafe { rd::rd_kafka_queue_get_partition(self.rk, topic.as_ptr(), partition) };
        if queue.is_null() {
            return Err(KafkaError::from_code(codes::UNKNOWN_PARTITION));
        }
        Ok(Queue::own(self, queue))
    }

    /// Waits until every message is delivered or has failed, lingering no more. Delivery reports must be drained meanwhile.
    pub fn flush(&self, timeout_ms: i32) -> bool {
        // SAFETY: valid handle.
        code_of_err(unsafe { rd::rd_kafka_flush(self.rk, timeout_ms) }) == codes::NO_ERROR
    }

    /// Fails every message that is queued or under way; their reports follow.
    pub fn purge(&self) {
        // SAFETY: valid handle.
        unsafe { rd::rd_kafka_purge(self.rk, rd::RD_KAFKA_PURGE_F_QUEUE | rd::RD_KAFKA_PURGE_F_INFLIGHT) };
    }

    /// The code and reason of a fatal error, once one was raised.
    pub fn fatal_error(&self) -> Option<KafkaError> {
        let mut text = ErrorText::new();
        // SAFETY: valid handle, buffer of the size said.
        let code = unsafe { raw::rd_kafka_fatal_error(self.rk, text.pointer(), text.size()) };
        (code != codes::NO_ERROR).then(|| KafkaError { fatal: true, ..KafkaError::new(code, text.take()) })
    }

    /// `None` when the cluster did not say in time.
    pub fn cluster_id(&self, timeout_ms: i32) -> Option<String> {
        // SAFETY: valid handle; the string is ours to free with librdkafka's own allocator.
        unsafe {
            let id = rd::rd_kafka_clusterid(self.rk, timeout_ms);
            let owned = owned_string(id);
            if !id.is_null() {
                rd::rd_kafka_mem_free(self.rk, id.cast());
            }
            owned
        }
    }

    /// -1 when the cluster did not say in time.
    pub fn controller_id(&self, timeout_ms: i32) -> i32 {
        // SAFETY: valid handle.
        unsafe { rd::rd_kafka_controllerid(self.rk, timeout_ms) }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: the last reference. A consumer was closed before, or must not be waited for: without this flag destroy
        // would block for the group to be left.
        unsafe { rd::rd_kafka_destroy_flags(self.rk, rd::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE) }
    }
}

/// Runs a callback so that no panic crosses into C.
fn guarded<T>(opaque: *const c_void, run: impl FnOnce(&Opaque) -> T) -> Option<T> {
    if opaque.is_null() {
        return None;
    }
    // SAFETY: every opaque given to librdkafka is the box of `Client`, alive while librdkafka's threads are.
    let opaque = unsafe { &*opaque.cast::<Opaque>() };
    catch_unwind(AssertUnwindSafe(|| run(opaque))).ok()
}

unsafe extern "C" fn on_log(rk: *const rd::rd_kafka_t, level: c_int, facility: *const c_char, text: *const c_char) {
    if rk.is_null() {
        return;
    }
    guarded(rd::rd_kafka_opaque(rk), |opaque| opaque.callbacks.log(level, &read(facility), &read(text)));
}

/// # Safety
/// `text` is NULL or points to a NUL-terminated string that lives as long as the answer is used.
unsafe fn read<'a>(text: *const c_char) -> Cow<'a, str> {
    if text.is_null() {
        return Cow::Borrowed("");
    }
    unsafe { CStr::from_ptr(text) }.to_string_lossy()
}

unsafe extern "C" fn on_token_needed(_rk: *mut rd::rd_kafka_t, config: *const c_char, opaque: *mut c_void) {
    guarded(opaque, |opaque| opaque.callbacks.token_needed(&read(config)));
}

/// Looks at each certificate of a broker after OpenSSL did, from the root to the broker's own (depth 0). It only ever
/// refuses more than OpenSSL does.
unsafe extern "C" fn on_certificate(
    _rk: *mut rd::rd_kafka_t,
    broker: *const c_char,
    _broker_id: i32,
    x509_error: *mut c_int,
    depth: c_int,
    der: *const c_char,
    size: usize,
    text: *mut c_char,
    text_size: usize,
    opaque: *mut c_void,
) -> c_int {
    let accepted = guarded(opaque, |opaque| {
        // SAFETY: librdkafka gives valid pointers (rdkafka_ssl.c, rd_kafka_transport_ssl_cert_verify_cb).
        let (error, der) = unsafe { (&mut *x509_error, std::slice::from_raw_parts(der.cast::<u8>(), size)) };
        let mut name = "";
        if *error == tls::VALID && depth == 0 {
            if let Some(wanted) = opaque.server_name.as_ref().filter(|wanted| !wanted.is_of(der)) {
                *error = tls::HOST_NAME_MISMATCH;
                name = wanted.text();
            }
        }
        if *error == tls::VALID {
            return true;
        }
        let mut reason = tls::reason(*error);
        if !name.is_empty() {
            reason = format!("{reason}: it is not for {name}");
        }
        if text_size > 0 {
            let length = reason.len().min(text_size - 1);
            // SAFETY: `text` has room for `text_size` bytes.
            unsafe {
                std::ptr::copy_nonoverlapping(reason.as_ptr(), text.cast::<u8>(), length);
                *text.add(length) = 0;
            }
        }
        opaque.callbacks.certificate_refused(&unsafe { read(broker) }, &reason);
        false
    });
    c_int::from(accepted == Some(true))
}

pub(crate) unsafe extern "C" fn on_wake(_rk: *mut rd::rd_kafka_t, opaque: *mut c_void) {
    guarded(opaque, |opaque| opaque.callbacks.wake());
}

impl Client {
    /// What to pass as the opaque of `on_wake`.
    pub(crate) fn callbacks_pointer(&self) -> *mut c_void {
        (&*self.opaque as *const Opaque).cast_mut().cast()
    }
}

/// librdkafka's buffer for a sentence about what went wrong.
pub(crate) struct ErrorText([u8; 512]);

impl ErrorText {
    pub fn new() -> Self {
        ErrorText([0; 512])
    }

    pub fn pointer(&mut self) -> *mut c_char {
        self.0.as_mut_ptr().cast()
    }

    pub fn size(&self) -> usize {
        self.0.len()
    }

    pub fn take(&self) -> String {
        let end = self.0.iter().position(|&byte| byte == 0).unwrap_or(self.0.len());
        String::from_utf8_lossy(&self.0[..end]).into_owned()
    }
}

/// A C string, or an error that says which text holds a NUL.
pub(crate) fn c_string(text: &str) -> KafkaResult<CString> {
    CString::new(text).map_err(|_| KafkaError::invalid_argument(format!("{text:?} must not contain a NUL character")))
}
