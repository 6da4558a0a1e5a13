//! What the cluster says of its brokers and topics.

use std::sync::Arc;

use rdkafka::bindings as rd;
use serde::Serialize;

use super::{code_of_err, code_of_field, owned_string, Client, Topic};
use crate::core::error::{codes, KafkaError, KafkaResult};

#[derive(Debug, Clone, Serialize)]
pub struct Metadata {
    pub brokers: Vec<BrokerMetadata>,
    pub topics: Vec<TopicMetadata>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerMetadata {
    pub node_id: i32,
    pub host: String,
    pub port: i32,
}

#[derive(Debug, Clone, Serialize)]
pub struct TopicMetadata {
    pub name: String,
    pub error: Option<KafkaError>,
    pub partitions: Vec<PartitionMetadata>,
}

#[derive(Debug, Clone, Serialize)]
pub struct PartitionMetadata {
    pub id: i32,
    /// -1: none at the moment.
    pub leader: i32,
    pub replicas: Vec<i32>,
    pub isrs: Vec<i32>,
    pub error: Option<KafkaError>,
}

pub enum Scope<'a> {
    /// Brokers, and the topics that this client uses already.
    Local,
    AllTopics,
    Topic(&'a Topic),
}

impl Client {
    /// Blocks until a broker answers or the time is over.
    pub fn metadata(self: &Arc<Self>, scope: Scope<'_>, timeout_ms: i32) -> KafkaResult<Metadata> {
        let only = match scope {
            Scope::Topic(topic) => topic.raw(),
            _ => std::ptr::null_mut(),
        };
        let all = i32::from(matches!(scope, Scope::AllTopics));
        let mut metadata: *const rd::rd_kafka_metadata = std::ptr::null();
        // SAFETY: valid handle and topic; on success the result is ours until destroyed, and its counts tell its arrays.
        unsafe {
            let code = code_of_err(rd::rd_kafka_metadata(self.raw(), all, only, &mut metadata, timeout_ms));
            if code != codes::NO_ERROR {
                return Err(KafkaError::from_code(code));
            }
            let result = read(&*metadata);
            rd::rd_kafka_metadata_destroy(metadata);
            Ok(result)
        }
    }
}

unsafe fn read(metadata: &rd::rd_kafka_metadata) -> Metadata {
    let brokers = slice(metadata.brokers, metadata.broker_cnt).iter().map(|broker| BrokerMetadata {
        node_id: broker.id,
        host: owned_string(broker.host).unwrap_or_default(),
        port: broker.port,
    });
    let topics = slice(metadata.topics, metadata.topic_cnt).iter().map(|topic| TopicMetadata {
        name: owned_string(topic.topic).unwrap_or_default(),
        error: error(std::ptr::addr_of!(topic.err)),
        partitions: slice(topic.partitions, topic.partition_cnt)
            .iter()
            .map(|partition| PartitionMetadata {
                id: partition.id,
                leader: partition.leader,
                replicas: slice(partition.replicas, partition.replica_cnt).to_vec(),
                isrs: slice(partition.isrs, partition.isr_cnt).to_vec(),
                error: error(std::ptr::addr_of!(partition.err)),
            })
            .collect(),
    });
    Metadata { brokers: brokers.collect(), topics: topics.collect() }
}

unsafe fn error(field: *const rd::rd_kafka_resp_err_t) -> Option<KafkaError> {
    match code_of_field(field) {
        codes::NO_ERROR => None,
        code => Some(KafkaError::from_code(code)),
    }
}

unsafe fn slice<'a, T>(pointer: *const T, count: i32) -> &'a [T] {
    match usize::try_from(count) {
        Ok(count) if count > 0 && !pointer.is_null() => std::slice::from_raw_parts(pointer, count),
        _ => &[],
    }
}
