//! Admin requests. Each is one struct that says how it is sent and how its result is read; all else is the same for all.
//! A request is sent with a number, and its result arrives on a queue as an event with that number.

use std::ffi::{c_char, CString};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::bindings as rd;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{c_string, ErrorText};
use super::{code_of_err, owned_string, queue, raw, Client, Event, Partition, Queue};
use crate::core::error::{codes, KafkaError, KafkaResult};

pub mod acls;
pub mod configs;
pub mod groups;
pub mod offsets;
pub mod topics;

/// What JavaScript can ask for, as JSON: the variant's name is in the field `operation`, its fields are beside it.
#[derive(Debug, Deserialize)]
#[serde(tag = "operation", rename_all = "camelCase")]
pub enum Request {
    CreateTopics(topics::CreateTopics),
    DeleteTopics(topics::DeleteTopics),
    CreatePartitions(topics::CreatePartitions),
    DeleteRecords(offsets::DeleteRecords),
    ListOffsets(offsets::ListOffsets),
    ListGroupOffsets(offsets::ListGroupOffsets),
    AlterGroupOffsets(offsets::AlterGroupOffsets),
    DescribeConfigs(configs::DescribeConfigs),
    AlterConfigs(configs::AlterConfigs),
    DeleteGroups(groups::DeleteGroups),
    CreateAcls(acls::CreateAcls),
    DescribeAcls(acls::DescribeAcls),
    DeleteAcls(acls::DeleteAcls),
}

impl Request {
    pub fn into_operation(self) -> Box<dyn AnyOperation> {
        match self {
            Request::CreateTopics(operation) => Box::new(operation),
            Request::DeleteTopics(operation) => Box::new(operation),
            Request::CreatePartitions(operation) => Box::new(operation),
            Request::DeleteRecords(operation) => Box::new(operation),
            Request::ListOffsets(operation) => Box::new(operation),
            Request::ListGroupOffsets(operation) => Box::new(operation),
            Request::AlterGroupOffsets(operation) => Box::new(operation),
            Request::DescribeConfigs(operation) => Box::new(operation),
            Request::AlterConfigs(operation) => Box::new(operation),
            Request::DeleteGroups(operation) => Box::new(operation),
            Request::CreateAcls(operation) => Box::new(operation),
            Request::DescribeAcls(operation) => Box::new(operation),
            Request::DeleteAcls(operation) => Box::new(operation),
        }
    }
}

pub trait Operation: Send {
    type Output;

    const KIND: rd::rd_kafka_admin_op_t;

    /// Options beyond the timeout of the request.
    fn options(&self, _options: &Options, _timeout_ms: i32) -> KafkaResult<()> {
        Ok(())
    }

    /// Hands the request to librdkafka, which copies what it needs.
    fn send(&self, client: &Client, options: &Options, results: &Queue) -> KafkaResult<()>;

    /// Reads the event of a request that did not fail as a whole.
    fn read(&self, event: &Event) -> Self::Output;
}

/// An operation of any kind, whose result is JSON.
pub trait AnyOperation: Send {
    /// The result arrives on `results` as an event with `number` as its opaque.
    fn send(&self, client: &Client, timeout_ms: u32, results: &Queue, number: u64) -> KafkaResult<()>;

    fn answer(&self, event: &Event) -> KafkaResult<Value>;
}

impl<O: Operation> AnyOperation for O
where
    O::Output: Serialize,
{
    fn send(&self, client: &Client, timeout_ms: u32, results: &Queue, number: u64) -> KafkaResult<()> {
        start(self, client, timeout_ms, results, number)
    }

    fn answer(&self, event: &Event) -> KafkaResult<Value> {
        serde_json::to_value(outcome(self, event)?)
            .map_err(|error| KafkaError::new(codes::FAIL, format!("The answer cannot be written as JSON: {error}")))
    }
}

fn start<O: Operation>(
    operation: &O,
    client: &Client,
    timeout_ms: u32,
    results: &Queue,
    number: u64,
) -> KafkaResult<()> {
    let timeout_ms = limit(timeout_ms).min(LONGEST_MS);
    let options = Options::new(client, O::KIND, number, timeout_ms)?;
    operation.options(&options, timeout_ms)?;
    operation.send(client, &options, results)
}

fn outcome<O: Operation>(operation: &O, event: &Event) -> KafkaResult<O::Output> {
    match event.code() {
        codes::NO_ERROR => Ok(operation.read(event)),
        _ => Err(event.error()),
    }
}

impl Client {
    /// Sends a request and waits for its result.
    pub fn call<O: Operation>(self: &Arc<Self>, operation: &O, timeout_ms: u32) -> KafkaResult<O::Output> {
        let results = self.new_queue();
        start(operation, self, timeout_ms, &results, 0)?;
        // librdkafka keeps the time and says so in the event; this is for the case that it would not.
        let deadline = Instant::now() + Duration::from_millis(u64::from(timeout_ms) + 1000);
        while Instant::now() < deadline {
            if let Some(event) = results.wait(1000) {
                return outcome(operation, &event);
            }
        }
        Err(KafkaError::timed_out(format!("No answer within {timeout_ms} ms")))
    }
}

/// The most that librdkafka takes as the timeout of an admin request.
const LONGEST_MS: i32 = 3_600_000;

fn limit(timeout_ms: u32) -> i32 {
    timeout_ms.min(i32::MAX as u32) as i32
}

pub struct Options(*mut rd::rd_kafka_AdminOptions_t);

// SAFETY (all below): the options are owned and valid; librdkafka writes at most `size` bytes of text.
impl Options {
    fn new(client: &Client, operation: rd::rd_kafka_admin_op_t, number: u64, timeout_ms: i32) -> KafkaResult<Options> {
        let options = Options(unsafe { rd::rd_kafka_AdminOptions_new(client.raw(), operation) });
        unsafe { rd::rd_kafka_AdminOptions_set_opaque(options.0, queue::opaque(number)) };
        options.set(|options, text, size| unsafe {
            rd::rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, text, size)
        })?;
        Ok(options)
    }

    fn set(
        &self,
        call: impl FnOnce(*mut rd::rd_kafka_AdminOptions_t, *mut c_char, usize) -> rd::rd_kafka_resp_err_t,
    ) -> KafkaResult<()> {
        let mut text = ErrorText::new();
        let (pointer, size) = (text.pointer(), text.size());
        match code_of_err(call(self.0, pointer, size)) {
            codes::NO_ERROR => Ok(()),
            code => Err(KafkaError::new(code, text.take())),
        }
    }

    /// How long the controller may take to carry the change out.
    fn operation_timeout(&self, timeout_ms: i32) -> KafkaResult<()> {
        self.set(|options, text, size| unsafe {
            rd::rd_kafka_AdminOptions_set_operation_timeout(options, timeout_ms, text, size)
        })
    }

    fn validate_only(&self, on: bool) -> KafkaResult<()> {
        self.set(|options, text, size| unsafe {
            rd::rd_kafka_AdminOptions_set_validate_only(options, i32::from(on), text, size)
        })
    }

    fn raw(&self) -> *mut rd::rd_kafka_AdminOptions_t {
        self.0
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: owned; requests copy what they need.
        unsafe { rd::rd_kafka_AdminOptions_destroy(self.0) }
    }
}

/// Pointers to C objects that are destroyed together.
struct Objects<T> {
    list: Vec<*mut T>,
    destroy: unsafe extern "C" fn(*mut T),
}

impl<T> Objects<T> {
    fn new(destroy: unsafe extern "C" fn(*mut T)) -> Self {
        Objects { list: Vec::new(), destroy }
    }

    /// Takes the object over. NULL is a failure, whose reason is `text`.
    fn push(&mut self, object: *mut T, text: &ErrorText) -> KafkaResult<*mut T> {
        if object.is_null() {
            return Err(KafkaError::invalid_argument(text.take()));
        }
        self.list.push(object);
        Ok(object)
    }

    fn pointer(&mut self) -> *mut *mut T {
        self.list.as_mut_ptr()
    }

    fn len(&self) -> usize {
        self.list.len()
    }
}

impl<T> Drop for Objects<T> {
    fn drop(&mut self) {
        for &object in &self.list {
            // SAFETY: owned, destroyed once.
            unsafe { (self.destroy)(object) }
        }
    }
}

/// The entries of an array that a result owns.
///
/// # Safety
/// `array` is NULL or has `count` entries that live as long as the event.
unsafe fn entries<T>(array: *mut *const T, count: usize) -> Vec<*const T> {
    if array.is_null() {
        return Vec::new();
    }
    (0..count).map(|index| unsafe { *array.add(index) }).filter(|entry| !entry.is_null()).collect()
}

/// What a result says of one of its entries.
///
/// # Safety
/// `text` is NULL or a C string.
unsafe fn entry_error(code: i32, text: *const c_char) -> Option<KafkaError> {
    if code == codes::NO_ERROR {
        return None;
    }
    let text = unsafe { owned_string(text) }.filter(|text| !text.is_empty());
    Some(KafkaError::new(code, text.unwrap_or_else(|| super::error_text(code))))
}

/// An error that the result keeps.
///
/// # Safety
/// `error` is NULL or valid.
unsafe fn borrowed_error(error: *const rd::rd_kafka_error_t) -> Option<KafkaError> {
    if error.is_null() {
        return None;
    }
    unsafe { entry_error(raw::rd_kafka_error_code(error), rd::rd_kafka_error_string(error)) }
}

/// NULL where there is no text.
fn optional_c_string(text: Option<&str>) -> KafkaResult<Option<CString>> {
    text.map(c_string).transpose()
}

fn pointer_or_null(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr())
}

/// One partition of a result. Offsets are text: JavaScript's numbers end at 2^53.
#[derive(Debug, Clone, Serialize)]
pub struct PartitionResult {
    pub topic: String,
    pub partition: i32,
    pub offset: String,
    pub metadata: Option<String>,
    pub error: Option<KafkaError>,
}

impl From<Partition> for PartitionResult {
    fn from(given: Partition) -> PartitionResult {
        PartitionResult {
            topic: given.topic,
            partition: given.partition,
            offset: given.offset.to_string(),
            metadata: given.metadata,
            error: (given.code != codes::NO_ERROR).then(|| KafkaError::from_code(given.code)),
        }
    }
}

/// One partition of a request, its offset as digits.
#[derive(Debug, Clone, Deserialize)]
pub struct PartitionOffset {
    pub topic: String,
    pub partition: i32,
    #[serde(deserialize_with = "digits")]
    pub offset: i64,
    #[serde(default)]
    pub metadata: Option<String>,
}

impl From<&PartitionOffset> for Partition {
    fn from(given: &PartitionOffset) -> Partition {
        Partition {
            metadata: given.metadata.clone(),
            ..Partition::at(given.topic.clone(), given.partition, given.offset)
        }
    }
}

pub fn digits<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom(format!("{text:?} is no whole number")))
}
