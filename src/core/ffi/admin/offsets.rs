//! Where logs begin and end, where groups are in them, and moving both.

use rdkafka::bindings as rd;
use serde::{Deserialize, Serialize};

use super::{borrowed_error, c_string, digits, entries};
use super::{Client, ErrorText, Event, Objects, Operation, Options, PartitionOffset, PartitionResult, Queue};
use crate::core::error::{codes, KafkaError, KafkaResult};
use crate::core::ffi::{code_of_field, owned_string, Partition, PartitionList};

type Kind = rd::rd_kafka_admin_op_t;

#[derive(Debug, Deserialize)]
pub struct ListOffsets {
    pub partitions: Vec<TimestampQuery>,
}

#[derive(Debug, Deserialize)]
pub struct TimestampQuery {
    pub topic: String,
    pub partition: i32,
    /// Milliseconds since the epoch, -1 for the end, -2 for the beginning.
    #[serde(deserialize_with = "digits")]
    pub timestamp: i64,
}

#[derive(Debug, Clone, Serialize)]
pub struct OffsetResult {
    pub topic: String,
    pub partition: i32,
    /// As text: JavaScript's numbers end at 2^53. "-1": no message is that young.
    pub offset: String,
    pub error: Option<KafkaError>,
}

/// Deletes what is before these offsets, -1 standing for the end.
#[derive(Debug, Deserialize)]
pub struct DeleteRecords {
    pub partitions: Vec<PartitionOffset>,
}

/// What a group has committed, for these partitions or for all.
#[derive(Debug, Deserialize)]
pub struct ListGroupOffsets {
    pub group: String,
    pub partitions: Option<Vec<GroupPartition>>,
}

#[derive(Debug, Deserialize)]
pub struct GroupPartition {
    pub topic: String,
    pub partition: i32,
}

/// Commits for a group that has no members.
#[derive(Debug, Deserialize)]
pub struct AlterGroupOffsets {
    pub group: String,
    pub partitions: Vec<PartitionOffset>,
}

// SAFETY (all below): lists and objects live during the call, librdkafka copies them; the event owns its result, and a
// result of another kind is NULL.
impl Operation for ListOffsets {
    type Output = Vec<OffsetResult>;
    const KIND: Kind = Kind::RD_KAFKA_ADMIN_OP_LISTOFFSETS;

    fn send(&self, client: &Client, options: &Options, results: &Queue) -> KafkaResult<()> {
        let asked: Vec<Partition> = self
            .partitions
            .iter()
            .map(|query| Partition::at(query.topic.clone(), query.partition, query.timestamp))
            .collect();
        let list = PartitionList::new(&asked)?;
        unsafe { rd::rd_kafka_ListOffsets(client.raw(), list.raw(), options.raw(), results.raw()) };
        Ok(())
    }

    fn read(&self, event: &Event) -> Vec<OffsetResult> {
        let mut count = 0;
        unsafe {
            let result = rd::rd_kafka_event_ListOffsets_result(event.raw());
            if result.is_null() {
                return Vec::new();
            }
            let infos = rd::rd_kafka_ListOffsets_result_infos(result, &mut count);
            entries(infos, count)
                .into_iter()
                .map(|info| {
                    let partition = rd::rd_kafka_ListOffsetsResultInfo_topic_partition(info);
                    let code = code_of_field(std::ptr::addr_of!((*partition).err));
                    OffsetResult {
                        topic: owned_string((*partition).topic).unwrap_or_default(),
                        partition: (*partition).partition,
                        offset: (*partition).offset.to_string(),
                        error: (code != codes::NO_ERROR).then(|| KafkaError::from_code(code)),
                    }
                })
                .collect()
        }
    }
}

impl Operation for DeleteRecords {
    type Output = Vec<PartitionResult>;
    const KIND: Kind = Kind::RD_KAFKA_ADMIN_OP_DELETERECORDS;

    fn options(&self, options: &Options, timeout_ms: i32) -> KafkaResult<()> {
        options.operation_timeout(timeout_ms)
    }

    fn send(&self, client: &Client, options: &Options, results: &Queue) -> KafkaResult<()> {
        let before: Vec<Partition> = self.partitions.iter().map(Partition::from).collect();
        let list = PartitionList::new(&before)?;
        let mut objects = Objects::new(rd::rd_kafka_DeleteRecords_destroy);
        objects.push(unsafe { rd::rd_kafka_DeleteRecords_new(list.raw()) }, &ErrorText::new())?;
        unsafe {
            rd::rd_kafka_DeleteRecords(client.raw(), objects.pointer(), objects.len(), options.raw(), results.raw())
        };
        Ok(())
    }

    fn read(&self, event: &Event) -> Vec<PartitionResult> {
        unsafe {
            let result = rd::rd_kafka_event_DeleteRecords_result(event.raw());
            if result.is_null() {
                return Vec::new();
            }
            let list = PartitionList::read(rd::rd_kafka_DeleteRecords_result_offsets(result));
            list.into_iter().map(PartitionResult::from).collect()
        }
    }
}

/// The answer for one group: an error of all, or what is said of each partition.
#[derive(Debug, Serialize)]
pub struct GroupOffsets {
    pub error: Option<KafkaError>,
    pub partitions: Vec<PartitionResult>,
}

impl Operation for ListGroupOffsets {
    type Output = GroupOffsets;
    const KIND: Kind = Kind::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS;

    fn send(&self, client: &Client, options: &Options, results: &Queue) -> KafkaResult<()> {
        let group = c_string(&self.group)?;
        let list = self.partitions.as_ref().map(|partitions| {
            let asked: Vec<Partition> =
                partitions.iter().map(|one| Partition::new(one.topic.clone(), one.partition)).collect();
            PartitionList::new(&asked)
        });
        let list = list.transpose()?;
        let asked = list.as_ref().map_or(std::ptr::null_mut(), PartitionList::raw);
        let mut objects = Objects::new(rd::rd_kafka_ListConsumerGroupOffsets_destroy);
        let object = unsafe { rd::rd_kafka_ListConsumerGroupOffsets_new(group.as_ptr(), asked) };
        objects.push(object, &ErrorText::new())?;
        unsafe {
            rd::rd_kafka_ListConsumerGroupOffsets(
                client.raw(),
                objects.pointer(),
                objects.len(),
                options.raw(),
                results.raw(),
            )
        };
        Ok(())
    }

    fn read(&self, event: &Event) -> GroupOffsets {
        let mut count = 0;
        unsafe {
            let result = rd::rd_kafka_event_ListConsumerGroupOffsets_result(event.raw());
            if result.is_null() {
                return GroupOffsets { error: None, partitions: Vec::new() };
            }
            group_offsets(rd::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &mut count), count)
        }
    }
}

impl Operation for AlterGroupOffsets {
    type Output = GroupOffsets;
    const KIND: Kind = Kind::RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS;

    fn send(&self, client: &Client, options: &Options, results: &Queue) -> KafkaResult<()> {
        let group = c_string(&self.group)?;
        let offsets: Vec<Partition> = self.partitions.iter().map(Partition::from).collect();
        let list = PartitionList::new(&offsets)?;
        let mut objects = Objects::new(rd::rd_kafka_AlterConsumerGroupOffsets_destroy);
        let object = unsafe { rd::rd_kafka_AlterConsumerGroupOffsets_new(group.as_ptr(), list.raw()) };
        objects.push(object, &ErrorText::new())?;
        unsafe {
            rd::rd_kafka_AlterConsumerGroupOffsets(
                client.raw(),
                objects.pointer(),
                objects.len(),
                options.raw(),
                results.raw(),
            )
        };
        Ok(())
    }

    fn read(&self, event: &Event) -> GroupOffsets {
        let mut count = 0;
        unsafe {
            let result = rd::rd_kafka_event_AlterConsumerGroupOffsets_result(event.raw());
            if result.is_null() {
                return GroupOffsets { error: None, partitions: Vec::new() };
            }
            group_offsets(rd::rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &mut count), count)
        }
    }
}

/// Each request is about one group.
unsafe fn group_offsets(groups: *mut *const rd::rd_kafka_group_result_t, count: usize) -> GroupOffsets {
    let mut answer = GroupOffsets { error: None, partitions: Vec::new() };
    for group in unsafe { entries(groups, count) } {
        unsafe {
            answer.error = borrowed_error(rd::rd_kafka_group_result_error(group));
            let partitions = PartitionList::read(rd::rd_kafka_group_result_partitions(group));
            answer.partitions.extend(partitions.into_iter().map(PartitionResult::from));
        }
    }
    answer
}
