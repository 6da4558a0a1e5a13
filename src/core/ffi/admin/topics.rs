//! Making topics and partitions, and deleting topics.

use std::ffi::CString;

use rdkafka::bindings as rd;
use serde::{Deserialize, Serialize};

use super::{c_string, code_of_err, entries, entry_error, owned_string, raw};
use super::{Client, ErrorText, Event, Objects, Operation, Options, Queue};
use crate::core::error::{codes, KafkaError, KafkaResult};

type Kind = rd::rd_kafka_admin_op_t;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateTopics {
    pub topics: Vec<NewTopic>,
    pub validate_only: bool,
}

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

#[derive(Debug, Deserialize)]
pub struct DeleteTopics {
    pub topics: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatePartitions {
    pub topics: Vec<NewPartitions>,
    pub validate_only: bool,
}

#[derive(Debug, Deserialize)]
pub struct NewPartitions {
    pub topic: String,
    /// How many there are to be in all.
    pub count: u32,
    /// Replicas of each new partition.
    #[serde(default)]
    pub assignments: Vec<Vec<i32>>,
}

#[derive(Debug, Clone, Serialize)]
pub struct TopicResult {
    pub topic: String,
    pub error: Option<KafkaError>,
}

// SAFETY (all below): the objects live during the call, librdkafka copies them; the event owns its result, and a result
// of another kind is NULL.
impl Operation for CreateTopics {
    type Output = Vec<TopicResult>;
    const KIND: Kind = Kind::RD_KAFKA_ADMIN_OP_CREATETOPICS;

    fn options(&self, options: &Options, timeout_ms: i32) -> KafkaResult<()> {
        options.operation_timeout(timeout_ms)?;
        options.validate_only(self.validate_only)
    }

    fn send(&self, client: &Client, options: &Options, results: &Queue) -> KafkaResult<()> {
        let mut topics = Objects::new(rd::rd_kafka_NewTopic_destroy);
        for topic in &self.topics {
            new_topic(topic, &mut topics)?;
        }
        unsafe {
            rd::rd_kafka_CreateTopics(client.raw(), topics.pointer(), topics.len(), options.raw(), results.raw())
        };
        Ok(())
    }

    fn read(&self, event: &Event) -> Vec<TopicResult> {
        let mut count = 0;
        unsafe {
            let result = rd::rd_kafka_event_CreateTopics_result(event.raw());
            if result.is_null() {
                return Vec::new();
            }
            topic_results(rd::rd_kafka_CreateTopics_result_topics(result, &mut count), count)
        }
    }
}

impl Operation for DeleteTopics {
    type Output = Vec<TopicResult>;
    const KIND: Kind = Kind::RD_KAFKA_ADMIN_OP_DELETETOPICS;

    fn options(&self, options: &Options, timeout_ms: i32) -> KafkaResult<()> {
        options.operation_timeout(timeout_ms)
    }

    fn send(&self, client: &Client, options: &Options, results: &Queue) -> KafkaResult<()> {
        let mut topics = Objects::new(rd::rd_kafka_DeleteTopic_destroy);
        for topic in &self.topics {
            let name = c_string(topic)?;
            topics.push(unsafe { rd::rd_kafka_DeleteTopic_new(name.as_ptr()) }, &ErrorText::new())?;
        }
        unsafe {
            rd::rd_kafka_DeleteTopics(client.raw(), topics.pointer(), topics.len(), options.raw(), results.raw())
        };
        Ok(())
    }

    fn read(&self, event: &Event) -> Vec<TopicResult> {
        let mut count = 0;
        unsafe {
            let result = rd::rd_kafka_event_DeleteTopics_result(event.raw());
            if result.is_null() {
                return Vec::new();
            }
            topic_results(rd::rd_kafka_DeleteTopics_result_topics(result, &mut count), count)
        }
    }
}

impl Operation for CreatePartitions {
    type Output = Vec<TopicResult>;
    const KIND: Kind = Kind::RD_KAFKA_ADMIN_OP_CREATEPARTITIONS;

    fn options(&self, options: &Options, timeout_ms: i32) -> KafkaResult<()> {
        options.operation_timeout(timeout_ms)?;
        options.validate_only(self.validate_only)
    }

    fn send(&self, client: &Client, options: &Options, results: &Queue) -> KafkaResult<()> {
        let mut topics = Objects::new(rd::rd_kafka_NewPartitions_destroy);
        let mut text = ErrorText::new();
        for NewPartitions { topic, count, assignments } in &self.topics {
            let name = c_string(topic)?;
            let count = *count as usize;
            let object = unsafe { rd::rd_kafka_NewPartitions_new(name.as_ptr(), count, text.pointer(), text.size()) };
            let object = topics.push(object, &text)?;
            for (index, replicas) in assignments.iter().enumerate() {
                let mut ids = replicas.clone();
                let code = code_of_err(unsafe {
                    rd::rd_kafka_NewPartitions_set_replica_assignment(
                        object,
                        index as i32,
                        ids.as_mut_ptr(),
                        ids.len(),
                        text.pointer(),
                        text.size(),
                    )
                });
                if code != codes::NO_ERROR {
                    return Err(KafkaError::new(code, text.take()));
                }
            }
        }
        unsafe {
            rd::rd_kafka_CreatePartitions(client.raw(), topics.pointer(), topics.len(), options.raw(), results.raw())
        };
        Ok(())
    }

    fn read(&self, event: &Event) -> Vec<TopicResult> {
        let mut count = 0;
        unsafe {
            let result = rd::rd_kafka_event_CreatePartitions_result(event.raw());
            if result.is_null() {
                return Vec::new();
            }
            topic_results(rd::rd_kafka_CreatePartitions_result_topics(result, &mut count), count)
        }
    }
}

fn new_topic(topic: &NewTopic, topics: &mut Objects<rd::rd_kafka_NewTopic_t>) -> KafkaResult<()> {
    let name = c_string(&topic.topic)?;
    let mut text = ErrorText::new();
    let (partitions, replication) = if topic.replica_assignment.is_empty() {
        (topic.num_partitions, topic.replication_factor)
    } else {
        (topic.replica_assignment.len() as i32, -1)
    };
    unsafe {
        let object = rd::rd_kafka_NewTopic_new(name.as_ptr(), partitions, replication, text.pointer(), text.size());
        let object = topics.push(object, &text)?;
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
    }
    Ok(())
}

unsafe fn topic_results(topics: *mut *const rd::rd_kafka_topic_result_t, count: usize) -> Vec<TopicResult> {
    unsafe { entries(topics, count) }
        .into_iter()
        .map(|result| unsafe {
            TopicResult {
                topic: owned_string(rd::rd_kafka_topic_result_name(result)).unwrap_or_default(),
                error: entry_error(
                    raw::rd_kafka_topic_result_error(result),
                    rd::rd_kafka_topic_result_error_string(result),
                ),
            }
        })
        .collect()
}
