//! The transactional producer's calls. Those that wait for the cluster block their thread.

use rdkafka::bindings as rd;

use super::client::c_string;
use super::{owned_string, take_error, Client, Partition, PartitionList};
use crate::core::error::{KafkaError, KafkaResult};

/// Who commits offsets to a group. Without a member the coordinator takes them from anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMetadata {
    pub group_id: String,
    pub member: Option<Member>,
}

/// The coordinator refuses the offsets of a member whose generation is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub id: String,
    pub generation: i32,
    pub instance_id: Option<String>,
}

struct RawGroupMetadata(*mut rd::rd_kafka_consumer_group_metadata_t);

impl RawGroupMetadata {
    fn new(group: &GroupMetadata) -> KafkaResult<RawGroupMetadata> {
        let group_id = c_string(&group.group_id)?;
        // SAFETY: strings that live during the call, which copies them; the result is owned.
        let raw = match &group.member {
            None => unsafe { rd::rd_kafka_consumer_group_metadata_new(group_id.as_ptr()) },
            Some(member) => {
                let id = c_string(&member.id)?;
                let instance = member.instance_id.as_deref().map(c_string).transpose()?;
                let instance = instance.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
                unsafe {
                    rd::rd_kafka_consumer_group_metadata_new_with_genid(
                        group_id.as_ptr(),
                        member.generation,
                        id.as_ptr(),
                        instance,
                    )
                }
            }
        };
        if raw.is_null() {
            return Err(KafkaError::invalid_argument(format!("{:?} is no group id", group.group_id)));
        }
        Ok(RawGroupMetadata(raw))
    }
}

impl Drop for RawGroupMetadata {
    fn drop(&mut self) {
        // SAFETY: owned.
        unsafe { rd::rd_kafka_consumer_group_metadata_destroy(self.0) }
    }
}

// SAFETY (all below): valid handle, arguments that live during the call; the error is ours.
impl Client {
    /// Gets the producer id, which fences whoever had this transactional id before. Resumable: after a retriable error call it again.
    pub fn init_transactions(&self, timeout_ms: i32) -> KafkaResult<()> {
        take_error(unsafe { rd::rd_kafka_init_transactions(self.raw(), timeout_ms) })
    }

    /// Local. While a transaction is going on it changes nothing and tells what that transaction has failed by, if it has.
    pub fn begin_transaction(&self) -> KafkaResult<()> {
        take_error(unsafe { rd::rd_kafka_begin_transaction(self.raw()) })
    }

    /// Not resumable: after a retriable error it is made anew.
    pub fn send_offsets(&self, offsets: &[Partition], group: &GroupMetadata, timeout_ms: i32) -> KafkaResult<()> {
        let list = PartitionList::new(offsets)?;
        let group = RawGroupMetadata::new(group)?;
        take_error(unsafe { rd::rd_kafka_send_offsets_to_transaction(self.raw(), list.raw(), group.0, timeout_ms) })
    }

    /// Waits for all messages, then commits. Resumable. Delivery reports must be drained meanwhile.
    pub fn commit_transaction(&self, timeout_ms: i32) -> KafkaResult<()> {
        take_error(unsafe { rd::rd_kafka_commit_transaction(self.raw(), timeout_ms) })
    }

    /// Gives up what is queued, waits for what is under way, then aborts. Resumable. Delivery reports must be drained meanwhile.
    pub fn abort_transaction(&self, timeout_ms: i32) -> KafkaResult<()> {
        take_error(unsafe { rd::rd_kafka_abort_transaction(self.raw(), timeout_ms) })
    }

    /// Who this consumer is in its group; `None` when it is no consumer of a group.
    pub fn group_metadata(&self) -> Option<GroupMetadata> {
        // SAFETY: a copy that we destroy; its strings are copied before.
        unsafe {
            let raw = rd::rd_kafka_consumer_group_metadata(self.raw());
            if raw.is_null() {
                return None;
            }
            let raw = RawGroupMetadata(raw);
            let group_id = owned_string(rd::rd_kafka_consumer_group_metadata_group_id(raw.0)).unwrap_or_default();
            let id = owned_string(rd::rd_kafka_consumer_group_metadata_member_id(raw.0)).unwrap_or_default();
            let generation = rd::rd_kafka_consumer_group_metadata_generation_id(raw.0);
            let instance_id = owned_string(rd::rd_kafka_consumer_group_metadata_group_instance_id(raw.0));
            let member = (!id.is_empty()).then_some(Member { id, generation, instance_id });
            Some(GroupMetadata { group_id, member })
        }
    }
}
