//! Lists of topic partitions, and the calls that take them.

use rdkafka::bindings as rd;

use super::client::c_string;
use super::{code_of_err, code_of_field, owned_string, raw, take_error, Client, Queue};
use crate::core::error::{codes, KafkaError, KafkaResult};

/// One entry of a list. `offset` below zero is one of librdkafka's logical offsets (-1001: none).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Partition {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub metadata: Option<String>,
    pub leader_epoch: i32,
    /// What a reply says of this partition alone.
    pub code: i32,
}

impl Partition {
    pub const NO_OFFSET: i64 = rd::RD_KAFKA_OFFSET_INVALID as i64;

    pub fn new(topic: impl Into<String>, partition: i32) -> Partition {
        Partition { topic: topic.into(), partition, offset: Self::NO_OFFSET, metadata: None, leader_epoch: -1, code: 0 }
    }

    pub fn at(topic: impl Into<String>, partition: i32, offset: i64) -> Partition {
        Partition { offset, ..Partition::new(topic, partition) }
    }
}

/// librdkafka's list, owned.
pub struct PartitionList(*mut rd::rd_kafka_topic_partition_list_t);

impl PartitionList {
    pub fn new(partitions: &[Partition]) -> KafkaResult<PartitionList> {
        // SAFETY: owned list; elements are valid until the next add.
        let list = PartitionList(unsafe { rd::rd_kafka_topic_partition_list_new(partitions.len() as i32) });
        for partition in partitions {
            let topic = c_string(&partition.topic)?;
            unsafe {
                let element = rd::rd_kafka_topic_partition_list_add(list.0, topic.as_ptr(), partition.partition);
                (*element).offset = partition.offset;
                if partition.leader_epoch >= 0 {
                    rd::rd_kafka_topic_partition_set_leader_epoch(element, partition.leader_epoch);
                }
                if let Some(metadata) = &partition.metadata {
                    // librdkafka frees it with its own allocator, so the copy is made by it.
                    let size = metadata.len();
                    let copy = rd::rd_kafka_mem_malloc(std::ptr::null_mut(), size.max(1));
                    std::ptr::copy_nonoverlapping(metadata.as_ptr(), copy.cast(), size);
                    (*element).metadata = copy;
                    (*element).metadata_size = size;
                }
            }
        }
        Ok(list)
    }

    pub(crate) fn raw(&self) -> *mut rd::rd_kafka_topic_partition_list_t {
        self.0
    }

    pub fn to_vec(&self) -> Vec<Partition> {
        Self::read(self.0)
    }

    pub(super) fn read(list: *const rd::rd_kafka_topic_partition_list_t) -> Vec<Partition> {
        if list.is_null() {
            return Vec::new();
        }
        // SAFETY: a valid list of `cnt` elements that nobody changes meanwhile.
        unsafe {
            let count = usize::try_from((*list).cnt).unwrap_or(0);
            (0..count)
                .map(|index| {
                    let element = (*list).elems.add(index);
                    let size = (*element).metadata_size;
                    let metadata = (!(*element).metadata.is_null() && size > 0).then(|| {
                        let bytes = std::slice::from_raw_parts((*element).metadata.cast::<u8>(), size);
                        String::from_utf8_lossy(bytes).into_owned()
                    });
                    Partition {
                        topic: owned_string((*element).topic).unwrap_or_default(),
                        partition: (*element).partition,
                        offset: (*element).offset,
                        metadata,
                        leader_epoch: rd::rd_kafka_topic_partition_get_leader_epoch(element),
                        code: code_of_field(std::ptr::addr_of!((*element).err)),
                    }
                })
                .collect()
        }
    }

    /// The first partition that an operation failed for.
    fn first_error(&self) -> KafkaResult<()> {
        match self.to_vec().into_iter().find(|partition| partition.code != codes::NO_ERROR) {
            None => Ok(()),
            Some(Partition { topic, partition, code, .. }) => {
                let text = super::error_text(code);
                Err(KafkaError::new(code, format!("{text}: partition {partition} of topic \"{topic}\"")))
            }
        }
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        // SAFETY: owned.
        unsafe { rd::rd_kafka_topic_partition_list_destroy(self.0) }
    }
}

// SAFETY (all below): valid handle, lists that live during the call.
impl Client {
    pub fn subscribe(&self, topics: &[String]) -> KafkaResult<()> {
        let list: Vec<Partition> = topics.iter().map(|topic| Partition::new(topic, -1)).collect();
        let list = PartitionList::new(&list)?;
        check(unsafe { rd::rd_kafka_subscribe(self.raw(), list.raw()) })
    }

    pub fn unsubscribe(&self) -> KafkaResult<()> {
        check(unsafe { rd::rd_kafka_unsubscribe(self.raw()) })
    }

    /// "NONE", "EAGER" or "COOPERATIVE".
    pub fn is_cooperative(&self) -> bool {
        let protocol = unsafe { owned_string(rd::rd_kafka_rebalance_protocol(self.raw())) };
        protocol.as_deref() == Some("COOPERATIVE")
    }

    /// Whether the partitions just revoked may already belong to another member.
    pub fn assignment_lost(&self) -> bool {
        unsafe { rd::rd_kafka_assignment_lost(self.raw()) != 0 }
    }

    /// Starts fetching: adds to the assignment under a cooperative protocol, replaces it under an eager one.
    pub fn assign(&self, partitions: &[Partition]) -> KafkaResult<()> {
        let list = PartitionList::new(partitions)?;
        if self.is_cooperative() {
            take_error(unsafe { rd::rd_kafka_incremental_assign(self.raw(), list.raw()) })
        } else {
            check(unsafe { rd::rd_kafka_assign(self.raw(), list.raw()) })
        }
    }

    /// Stops fetching `partitions` (cooperative) or all (eager).
    pub fn unassign(&self, partitions: &[Partition]) -> KafkaResult<()> {
        if self.is_cooperative() {
            let list = PartitionList::new(partitions)?;
            take_error(unsafe { rd::rd_kafka_incremental_unassign(self.raw(), list.raw()) })
        } else {
            check(unsafe { rd::rd_kafka_assign(self.raw(), std::ptr::null()) })
        }
    }

    /// Asks for a commit; the answer arrives on `replies` as an OffsetCommit event with `opaque`.
    pub fn commit(&self, offsets: &[Partition], replies: &Queue, opaque: u64) -> KafkaResult<()> {
        let list = PartitionList::new(offsets)?;
        let opaque = super::queue::opaque(opaque);
        check(unsafe { rd::rd_kafka_commit_queue(self.raw(), list.raw(), replies.raw(), None, opaque) })
    }

    /// Blocks until the group coordinator answers.
    pub fn committed(&self, partitions: &[Partition], timeout_ms: i32) -> KafkaResult<Vec<Partition>> {
        let list = PartitionList::new(partitions)?;
        check_code(unsafe { raw::rd_kafka_committed(self.raw(), list.raw(), timeout_ms) })?;
        list.first_error()?;
        Ok(list.to_vec())
    }

    /// The next offsets by what was taken from the queues, past control records too; negative where nothing was. Local.
    pub fn positions(&self, partitions: &[Partition]) -> KafkaResult<Vec<Partition>> {
        let list = PartitionList::new(partitions)?;
        // SAFETY: valid handle and list.
        check(unsafe { rd::rd_kafka_position(self.raw(), list.raw()) })?;
        Ok(list.to_vec())
    }

    /// The offsets of the next messages to be written, as a reader sees them. Blocks until the leaders answer.
    pub fn end_offsets(&self, partitions: &[Partition], timeout_ms: i32) -> KafkaResult<Vec<Partition>> {
        // What is asked for is a timestamp; librdkafka hands on -1, which to the brokers means the end.
        let asked: Vec<_> = partitions.iter().map(|one| Partition::at(&one.topic, one.partition, -1)).collect();
        let list = PartitionList::new(&asked)?;
        // SAFETY: valid handle and list.
        check_code(unsafe { raw::rd_kafka_offsets_for_times(self.raw(), list.raw(), timeout_ms) })?;
        list.first_error()?;
        Ok(list.to_vec())
    }

    /// Blocks until the fetchers took note. What was fetched before is dropped from the queues at once.
    pub fn seek(&self, partition: &Partition, timeout_ms: i32) -> KafkaResult<()> {
        let list = PartitionList::new(std::slice::from_ref(partition))?;
        take_error(unsafe { rd::rd_kafka_seek_partitions(self.raw(), list.raw(), timeout_ms) })?;
        list.first_error()
    }

    /// Stops fetching; what lies in the queues is dropped and fetched again on resume.
    pub fn pause(&self, partitions: &[Partition]) -> KafkaResult<()> {
        let list = PartitionList::new(partitions)?;
        check(unsafe { rd::rd_kafka_pause_partitions(self.raw(), list.raw()) })?;
        list.first_error()
    }

    pub fn resume(&self, partitions: &[Partition]) -> KafkaResult<()> {
        let list = PartitionList::new(partitions)?;
        check(unsafe { rd::rd_kafka_resume_partitions(self.raw(), list.raw()) })?;
        list.first_error()
    }

    /// The high watermark of the last fetch response, -1001 when there was none yet. Asks nobody.
    pub fn cached_high_watermark(&self, topic: &str, partition: i32) -> i64 {
        let Ok(topic) = c_string(topic) else { return Partition::NO_OFFSET };
        let (mut low, mut high) = (0, Partition::NO_OFFSET);
        let err =
            unsafe { rd::rd_kafka_get_watermark_offsets(self.raw(), topic.as_ptr(), partition, &mut low, &mut high) };
        if code_of_err(err) == codes::NO_ERROR {
            high
        } else {
            Partition::NO_OFFSET
        }
    }

    /// Begins to leave the group; revocations and the end arrive on `queue`.
    pub fn close_consumer(&self, queue: &Queue) -> KafkaResult<()> {
        take_error(unsafe { rd::rd_kafka_consumer_close_queue(self.raw(), queue.raw()) })
    }

    pub fn is_consumer_closed(&self) -> bool {
        unsafe { rd::rd_kafka_consumer_closed(self.raw()) != 0 }
    }
}

fn check(err: rd::rd_kafka_resp_err_t) -> KafkaResult<()> {
    check_code(code_of_err(err))
}

fn check_code(code: i32) -> KafkaResult<()> {
    match code {
        codes::NO_ERROR => Ok(()),
        code => Err(KafkaError::from_code(code)),
    }
}
