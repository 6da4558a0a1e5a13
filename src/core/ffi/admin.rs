//! Admin requests: each is sent with a number, and its result arrives on a queue as an event with that number.

use std::ffi::CString;

use rdkafka::bindings as rd;
use serde::{Deserialize, Serialize};

use super::client::{c_string, ErrorText};
use super::{code_of_err, code_of_field, owned_string, queue, Client, Event, Partition, PartitionList, Queue};
use crate::core::error::{codes, KafkaError, KafkaResult};

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewTopic {
    pub topic: String,
    /// -1: the broker's default.
    pub num_partitions: i32,
    /// -1: the broker's default.
    pub replication_factor: i32,
    /// Replicas of each partition, instead of the two above.
    #[serde(default)]
    pub replica_assignment: Vec<Vec<i32>>,
    #[serde(default)]
    pub config: Vec<(String, String)>,
}

#[derive(Debug, Clone, Serialize)]
pub struct TopicResult {
    pub topic: String,
    pub error: Option<KafkaError>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OffsetResult {
    pub topic: String,
    pub partition: i32,
    /// As text: JavaScript's numbers end at 2^53.
    pub offset: String,
    pub timestamp: String,
    pub leader_epoch: i32,
    pub error: Option<KafkaError>,
}

struct Options(*mut rd::rd_kafka_AdminOptions_t);

impl Options {
    fn new(client: &Client, operation: rd::rd_kafka_admin_op_t, number: u64, timeout_ms: i32) -> KafkaResult<Options> {
        // SAFETY: valid handle; owned.
        let options = Options(unsafe { rd::rd_kafka_AdminOptions_new(client.raw(), operation) });
        unsafe { rd::rd_kafka_AdminOptions_set_opaque(options.0, queue::opaque(number)) };
        options.set(|options, text, size| unsafe {
            rd::rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, text, size)
        })?;
        Ok(options)
    }

    fn set(
        &self,
        call: impl FnOnce(*mut rd::rd_kafka_AdminOptions_t, *mut std::ffi::c_char, usize) -> rd::rd_kafka_resp_err_t,
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

impl<T> Drop for Objects<T> {
    fn drop(&mut self) {
        for &object in &self.list {
            // SAFETY: owned, destroyed once.
            unsafe { (self.destroy)(object) }
        }
    }
}

impl Client {
    pub fn create_topics(
        &self,
        topics: &[NewTopic],
        timeout_ms: i32,
        validate_only: bool,
        results: &Queue,
        number: u64,
    ) -> KafkaResult<()> {
        let operation = rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_CREATETOPICS;
        let options = Options::new(self, operation, number, timeout_ms)?;
        options.operation_timeout(timeout_ms)?;
        options.set(|options, text, size| unsafe {
            rd::rd_kafka_AdminOptions_set_validate_only(options, i32::from(validate_only), text, size)
        })?;
        let mut objects = Objects { list: Vec::new(), destroy: rd::rd_kafka_NewTopic_destroy };
        for topic in topics {
            objects.list.push(new_topic(topic)?);
        }
        // SAFETY: valid objects; librdkafka copies them.
        unsafe {
            rd::rd_kafka_CreateTopics(
                self.raw(),
                objects.list.as_mut_ptr(),
                objects.list.len(),
                options.0,
                results.raw(),
            )
        };
        Ok(())
    }

    pub fn delete_topics(&self, topics: &[String], timeout_ms: i32, results: &Queue, number: u64) -> KafkaResult<()> {
        let operation = rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DELETETOPICS;
        let options = Options::new(self, operation, number, timeout_ms)?;
        options.operation_timeout(timeout_ms)?;
        let mut objects = Objects { list: Vec::new(), destroy: rd::rd_kafka_DeleteTopic_destroy };
        for topic in topics {
            let name = c_string(topic)?;
            // SAFETY: copies the name.
            objects.list.push(unsafe { rd::rd_kafka_DeleteTopic_new(name.as_ptr()) });
        }
        // SAFETY: valid objects; librdkafka copies them.
        unsafe {
            rd::rd_kafka_DeleteTopics(
                self.raw(),
                objects.list.as_mut_ptr(),
                objects.list.len(),
                options.0,
                results.raw(),
            )
        };
        Ok(())
    }

    /// `offset` of each partition is the timestamp asked for: milliseconds, -1 the end, -2 the beginning.
    pub fn list_offsets(
        &self,
        partitions: &[Partition],
        timeout_ms: i32,
        results: &Queue,
        number: u64,
    ) -> KafkaResult<()> {
        let operation = rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS;
        let options = Options::new(self, operation, number, timeout_ms)?;
        let list = PartitionList::new(partitions)?;
        // SAFETY: valid list; librdkafka copies it.
        unsafe { rd::rd_kafka_ListOffsets(self.raw(), list.raw(), options.0, results.raw()) };
        Ok(())
    }
}

fn new_topic(topic: &NewTopic) -> KafkaResult<*mut rd::rd_kafka_NewTopic_t> {
    let name = c_string(&topic.topic)?;
    let mut text = ErrorText::new();
    let (partitions, replication) = if topic.replica_assignment.is_empty() {
        (topic.num_partitions, topic.replication_factor)
    } else {
        (topic.replica_assignment.len() as i32, -1)
    };
    // SAFETY: copies the name; the object is ours and destroyed when a later step fails.
    unsafe {
        let object = rd::rd_kafka_NewTopic_new(name.as_ptr(), partitions, replication, text.pointer(), text.size());
        if object.is_null() {
            return Err(KafkaError::invalid_argument(text.take()));
        }
        let guard = Objects { list: vec![object], destroy: rd::rd_kafka_NewTopic_destroy };
        for (partition, replicas) in topic.replica_assignment.iter().enumerate() {
            let mut ids = replicas.clone();
            let err = rd::rd_kafka_NewTopic_set_replica_assignment(
                object,
                partition as i32,
                ids.as_mut_ptr(),
                ids.len(),
                text.pointer(),
                text.size(),
            );
            if code_of_err(err) != codes::NO_ERROR {
                return Err(KafkaError::new(code_of_err(err), text.take()));
            }
        }
        for (key, value) in &topic.config {
            let (key, value): (CString, CString) = (c_string(key)?, c_string(value)?);
            let err = rd::rd_kafka_NewTopic_set_config(object, key.as_ptr(), value.as_ptr());
            if code_of_err(err) != codes::NO_ERROR {
                return Err(KafkaError::from_code(code_of_err(err)));
            }
        }
        std::mem::forget(guard);
        Ok(object)
    }
}

impl Event {
    /// The result of `create_topics` or `delete_topics`, topic by topic.
    pub fn topic_results(&self) -> Vec<TopicResult> {
        let mut count = 0;
        // SAFETY: the event owns the result; a wrong kind answers NULL.
        unsafe {
            let created = rd::rd_kafka_event_CreateTopics_result(self.raw());
            let topics = if !created.is_null() {
                rd::rd_kafka_CreateTopics_result_topics(created, &mut count)
            } else {
                let deleted = rd::rd_kafka_event_DeleteTopics_result(self.raw());
                if deleted.is_null() {
                    return Vec::new();
                }
                rd::rd_kafka_DeleteTopics_result_topics(deleted, &mut count)
            };
            (0..count)
                .map(|index| {
                    let result = *topics.add(index);
                    let code = code_of_err(rd::rd_kafka_topic_result_error(result));
                    let error = (code != codes::NO_ERROR).then(|| {
                        let text = owned_string(rd::rd_kafka_topic_result_error_string(result));
                        KafkaError::new(code, text.unwrap_or_else(|| super::error_text(code)))
                    });
                    let topic = owned_string(rd::rd_kafka_topic_result_name(result)).unwrap_or_default();
                    TopicResult { topic, error }
                })
                .collect()
        }
    }

    /// The result of `list_offsets`.
    pub fn offset_results(&self) -> Vec<OffsetResult> {
        // SAFETY: the event owns the result.
        unsafe {
            let result = rd::rd_kafka_event_ListOffsets_result(self.raw());
            if result.is_null() {
                return Vec::new();
            }
            let mut count = 0;
            let infos = rd::rd_kafka_ListOffsets_result_infos(result, &mut count);
            (0..count)
                .map(|index| {
                    let info = *infos.add(index);
                    let partition = rd::rd_kafka_ListOffsetsResultInfo_topic_partition(info);
                    let code = code_of_field(std::ptr::addr_of!((*partition).err));
                    OffsetResult {
                        topic: owned_string((*partition).topic).unwrap_or_default(),
                        partition: (*partition).partition,
                        offset: (*partition).offset.to_string(),
                        timestamp: rd::rd_kafka_ListOffsetsResultInfo_timestamp(info).to_string(),
                        leader_epoch: rd::rd_kafka_topic_partition_get_leader_epoch(partition),
                        error: (code != codes::NO_ERROR).then(|| KafkaError::from_code(code)),
                    }
                })
                .collect()
        }
    }
}
