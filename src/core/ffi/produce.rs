//! Topic handles and handing records to librdkafka.

use std::ffi::c_void;
use std::sync::Arc;

use rdkafka::bindings as rd;

use super::client::{c_string, ErrorText};
use super::{code_of_err, code_of_field, queue, Client};
use crate::core::error::{codes, KafkaError, KafkaResult};
use crate::frame::reader::Record;

/// A topic handle: the properties of a topic are those of its first handle.
pub struct Topic {
    topic: *mut rd::rd_kafka_topic_t,
    client: Arc<Client>,
}

// SAFETY: librdkafka's topic handles are thread-safe.
unsafe impl Send for Topic {}
unsafe impl Sync for Topic {}

impl Topic {
    /// `properties` are topic-level ones that differ from the client's, such as `auto.offset.reset`.
    pub fn new(client: &Arc<Client>, name: &str, properties: &[(&str, &str)]) -> KafkaResult<Topic> {
        let c_name = c_string(name)?;
        let pair = |(key, value): &(&str, &str)| Ok((c_string(key)?, c_string(value)?));
        let properties = properties.iter().map(pair).collect::<KafkaResult<Vec<_>>>()?;
        let mut text = ErrorText::new();
        // SAFETY: valid handle; the conf is ours until `rd_kafka_topic_new` takes it, which it does also when it fails.
        unsafe {
            let conf = rd::rd_kafka_default_topic_conf_dup(client.raw());
            for (key, value) in &properties {
                let result =
                    rd::rd_kafka_topic_conf_set(conf, key.as_ptr(), value.as_ptr(), text.pointer(), text.size());
                if result != rd::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
                    rd::rd_kafka_topic_conf_destroy(conf);
                    return Err(KafkaError::invalid_argument(text.take()));
                }
            }
            let topic = rd::rd_kafka_topic_new(client.raw(), c_name.as_ptr(), conf);
            if topic.is_null() {
                let code = code_of_err(rd::rd_kafka_last_error());
                let reason = super::error_text(code);
                return Err(KafkaError::new(code, format!("topic {name:?}: {reason}")));
            }
            Ok(Topic { topic, client: Arc::clone(client) })
        }
    }

    pub(super) fn raw(&self) -> *mut rd::rd_kafka_topic_t {
        self.topic
    }

    /// Hands over one record, copied. `ERR__QUEUE_FULL` means: wait for delivery reports.
    pub fn produce(&self, record: &Record<'_>, opaque: u64) -> Result<(), i32> {
        use rd::rd_kafka_vtype_t as vtype;
        let headers = Headers::new(record)?;
        let (key, key_size) = pointer(record.key);
        let (value, value_size) = pointer(record.value);
        let slot = |vtype, fill: &dyn Fn(&mut rd::rd_kafka_vu_s__bindgen_ty_1)| {
            // SAFETY: a plain C union; zero is a valid value of each member.
            let mut u: rd::rd_kafka_vu_s__bindgen_ty_1 = unsafe { std::mem::zeroed() };
            fill(&mut u);
            rd::rd_kafka_vu_t { vtype, u }
        };
        let mem = |ptr, size| rd::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr, size };
        let arguments = [
            slot(vtype::RD_KAFKA_VTYPE_RKT, &|u| u.rkt = self.topic),
            slot(vtype::RD_KAFKA_VTYPE_PARTITION, &|u| u.i32_ = record.partition),
            slot(vtype::RD_KAFKA_VTYPE_MSGFLAGS, &|u| u.i = rd::RD_KAFKA_MSG_F_COPY),
            slot(vtype::RD_KAFKA_VTYPE_KEY, &|u| u.mem = mem(key, key_size)),
            slot(vtype::RD_KAFKA_VTYPE_VALUE, &|u| u.mem = mem(value, value_size)),
            slot(vtype::RD_KAFKA_VTYPE_TIMESTAMP, &|u| u.i64_ = record.timestamp),
            slot(vtype::RD_KAFKA_VTYPE_OPAQUE, &|u| u.ptr = queue::opaque(opaque)),
            slot(vtype::RD_KAFKA_VTYPE_HEADERS, &|u| u.headers = headers.0),
        ];
        let count = if headers.0.is_null() { arguments.len() - 1 } else { arguments.len() };
        // SAFETY: `count` valid arguments; key and value are copied during the call.
        let error = unsafe { rd::rd_kafka_produceva(self.client.raw(), arguments.as_ptr(), count) };
        if error.is_null() {
            headers.taken(); // librdkafka owns them once the record is accepted
            return Ok(());
        }
        // SAFETY: ours to read and destroy.
        unsafe {
            let code = code_of_err(rd::rd_kafka_error_code(error));
            rd::rd_kafka_error_destroy(error);
            Err(code)
        }
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: ours; messages that still refer to it keep it alive.
        unsafe { rd::rd_kafka_topic_destroy(self.topic) }
    }
}

fn pointer(bytes: Option<&[u8]>) -> (*mut c_void, usize) {
    // librdkafka tells an empty value from a null one by the pointer; an empty slice's is dangling but not NULL.
    bytes.map_or((std::ptr::null_mut(), 0), |bytes| (bytes.as_ptr().cast_mut().cast(), bytes.len()))
}

struct Headers(*mut rd::rd_kafka_headers_t);

impl Headers {
    fn new(record: &Record<'_>) -> Result<Headers, i32> {
        if record.headers.is_empty() {
            return Ok(Headers(std::ptr::null_mut()));
        }
        // SAFETY: owned until librdkafka takes it; names and values are copied.
        let headers = Headers(unsafe { rd::rd_kafka_headers_new(record.headers.len()) });
        for header in record.headers.iter() {
            let Ok((name, value)) = header else { return Err(codes::INVALID_ARG) };
            let (value, size) = pointer(value);
            let err = unsafe {
                rd::rd_kafka_header_add(headers.0, name.as_ptr().cast(), name.len() as isize, value, size as isize)
            };
            match code_of_err(err) {
                codes::NO_ERROR => {}
                code => return Err(code),
            }
        }
        Ok(headers)
    }

    fn taken(mut self) {
        self.0 = std::ptr::null_mut();
    }
}

impl Drop for Headers {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: still ours.
            unsafe { rd::rd_kafka_headers_destroy(self.0) }
        }
    }
}

/// Records without headers and timestamps for one topic and one partition (or any), handed over in one call: a third
/// cheaper than one at a time. One partition only, because `rd_kafka_produce_batch` with `RD_KAFKA_MSG_F_PARTITION` leaks a
/// record whose partition does not exist (librdkafka 2.12, rdkafka_msg.c), and then never counts as flushed.
#[derive(Default)]
pub struct ProduceBatch {
    messages: Vec<rd::rd_kafka_message_t>,
    partition: i32,
}

// SAFETY: empty between calls of `flush`; the pointers never outlive the frame they point into.
unsafe impl Send for ProduceBatch {}

impl ProduceBatch {
    pub const LIMIT: usize = 1024;

    pub fn len(&self) -> usize {
        self.messages.len()
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Whether `rd_kafka_produce_batch` can carry the record at all.
    pub fn suits(record: &Record<'_>) -> bool {
        record.headers.is_empty() && record.timestamp == 0
    }

    /// Whether a record for `partition` still goes into this batch.
    pub fn has_room(&self, partition: i32) -> bool {
        self.messages.is_empty() || (self.partition == partition && self.messages.len() < Self::LIMIT)
    }

    /// The record's memory must stay until `flush`, which its only caller, the walk over one frame, sees to.
    pub fn push(&mut self, record: &Record<'_>, opaque: u64) {
        let (key, key_len) = pointer(record.key);
        let (payload, len) = pointer(record.value);
        self.partition = record.partition;
        self.messages.push(rd::rd_kafka_message_t {
            err: rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR,
            rkt: std::ptr::null_mut(),
            partition: record.partition,
            payload,
            len,
            key,
            key_len,
            offset: 0,
            _private: queue::opaque(opaque),
        });
    }

    /// Hands all over. `failed` hears of each record that was refused: its place, its opaque and the code, in order.
    pub fn flush(&mut self, topic: &Topic, mut failed: impl FnMut(usize, u64, i32)) {
        let flags = rd::RD_KAFKA_MSG_F_COPY;
        let count = self.messages.len();
        // SAFETY: `count` filled messages; payloads and keys are copied during the call.
        let accepted = unsafe {
            rd::rd_kafka_produce_batch(topic.raw(), self.partition, flags, self.messages.as_mut_ptr(), count as i32)
        };
        if accepted as usize != count {
            for (index, message) in self.messages.iter().enumerate() {
                // SAFETY: a field that C wrote.
                let code = unsafe { code_of_field(std::ptr::addr_of!(message.err)) };
                if code != codes::NO_ERROR {
                    failed(index, message._private as usize as u64, code);
                }
            }
        }
        self.messages.clear();
    }
}
