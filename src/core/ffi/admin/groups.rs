//! Groups: which there are, what they are, and deleting them.

use std::ffi::{c_char, c_void, CString};
use std::sync::Arc;

use rdkafka::bindings as rd;
use serde::{Deserialize, Serialize};

use super::{borrowed_error, c_string, entries, limit, optional_c_string, pointer_or_null, raw};
use super::{Client, ErrorText, Event, Objects, Operation, Options, Queue};
use crate::core::error::{codes, KafkaError, KafkaResult};
use crate::core::ffi::{code_of_field, owned_string, Partition, PartitionList};

type Kind = rd::rd_kafka_admin_op_t;

#[derive(Debug, Deserialize)]
pub struct DeleteGroups {
    pub groups: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct GroupResult {
    pub group: String,
    pub error: Option<KafkaError>,
}

/// The consumer groups of all brokers, both of the classic protocol and of KIP-848. Groups of other uses are left out.
pub struct ListConsumerGroups;

#[derive(Debug)]
pub struct ConsumerGroups {
    pub groups: Vec<ConsumerGroup>,
    /// A broker that did not answer, or not well.
    pub error: Option<KafkaError>,
}

#[derive(Debug)]
pub struct ConsumerGroup {
    pub id: String,
    /// Offsets without a protocol: nobody ever joined.
    pub simple: bool,
}

/// Each group once.
pub struct DescribeConsumerGroups {
    pub groups: Vec<String>,
}

#[derive(Debug)]
pub struct ConsumerGroupDescription {
    pub id: String,
    pub error: Option<KafkaError>,
    /// Whether it is one of KIP-848.
    pub is_kip848: bool,
    pub simple: bool,
    pub state: String,
    pub assignor: String,
    pub members: Vec<ConsumerGroupMember>,
}

#[derive(Debug)]
pub struct ConsumerGroupMember {
    pub member_id: String,
    pub client_id: String,
    pub client_host: String,
    pub assignment: Vec<Partition>,
}

/// A group of the classic protocol, of whatever use, with its members' own bytes.
#[derive(Debug)]
pub struct ClassicGroup {
    pub id: String,
    pub code: i32,
    pub state: String,
    pub protocol_type: String,
    pub protocol: String,
    pub members: Vec<ClassicMember>,
}

#[derive(Debug)]
pub struct ClassicMember {
    pub member_id: String,
    pub client_id: String,
    pub client_host: String,
    pub metadata: Vec<u8>,
    pub assignment: Vec<u8>,
}

// SAFETY (all below): strings and objects live during the call, librdkafka copies them; the event owns its result, and a
// result of another kind is NULL.
impl Operation for DeleteGroups {
    type Output = Vec<GroupResult>;
    const KIND: Kind = Kind::RD_KAFKA_ADMIN_OP_DELETEGROUPS;

    fn send(&self, client: &Client, options: &Options, results: &Queue) -> KafkaResult<()> {
        let mut groups = Objects::new(rd::rd_kafka_DeleteGroup_destroy);
        for group in &self.groups {
            let name = c_string(group)?;
            groups.push(unsafe { rd::rd_kafka_DeleteGroup_new(name.as_ptr()) }, &ErrorText::new())?;
        }
        unsafe {
            rd::rd_kafka_DeleteGroups(client.raw(), groups.pointer(), groups.len(), options.raw(), results.raw())
        };
        Ok(())
    }

    fn read(&self, event: &Event) -> Vec<GroupResult> {
        let mut count = 0;
        unsafe {
            let result = rd::rd_kafka_event_DeleteGroups_result(event.raw());
            if result.is_null() {
                return Vec::new();
            }
            entries(rd::rd_kafka_DeleteGroups_result_groups(result, &mut count), count)
                .into_iter()
                .map(|group| GroupResult {
                    group: owned_string(rd::rd_kafka_group_result_name(group)).unwrap_or_default(),
                    error: borrowed_error(rd::rd_kafka_group_result_error(group)),
                })
                .collect()
        }
    }
}

impl Operation for ListConsumerGroups {
    type Output = ConsumerGroups;
    const KIND: Kind = Kind::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS;

    fn send(&self, client: &Client, options: &Options, results: &Queue) -> KafkaResult<()> {
        unsafe { rd::rd_kafka_ListConsumerGroups(client.raw(), options.raw(), results.raw()) };
        Ok(())
    }

    fn read(&self, event: &Event) -> ConsumerGroups {
        let (mut count, mut error_count) = (0, 0);
        unsafe {
            let result = rd::rd_kafka_event_ListConsumerGroups_result(event.raw());
            if result.is_null() {
                return ConsumerGroups { groups: Vec::new(), error: None };
            }
            let errors = rd::rd_kafka_ListConsumerGroups_result_errors(result, &mut error_count);
            ConsumerGroups {
                groups: entries(rd::rd_kafka_ListConsumerGroups_result_valid(result, &mut count), count)
                    .into_iter()
                    .map(|group| ConsumerGroup {
                        id: owned_string(rd::rd_kafka_ConsumerGroupListing_group_id(group)).unwrap_or_default(),
                        simple: rd::rd_kafka_ConsumerGroupListing_is_simple_consumer_group(group) != 0,
                    })
                    .collect(),
                error: entries(errors, error_count).into_iter().find_map(|error| borrowed_error(error)),
            }
        }
    }
}

impl Operation for DescribeConsumerGroups {
    type Output = Vec<ConsumerGroupDescription>;
    const KIND: Kind = Kind::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS;

    fn send(&self, client: &Client, options: &Options, results: &Queue) -> KafkaResult<()> {
        let names = self.groups.iter().map(|group| c_string(group)).collect::<KafkaResult<Vec<CString>>>()?;
        let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        unsafe {
            rd::rd_kafka_DescribeConsumerGroups(
                client.raw(),
                pointers.as_mut_ptr(),
                pointers.len(),
                options.raw(),
                results.raw(),
            )
        };
        Ok(())
    }

    fn read(&self, event: &Event) -> Vec<ConsumerGroupDescription> {
        let mut count = 0;
        unsafe {
            let result = rd::rd_kafka_event_DescribeConsumerGroups_result(event.raw());
            if result.is_null() {
                return Vec::new();
            }
            entries(rd::rd_kafka_DescribeConsumerGroups_result_groups(result, &mut count), count)
                .into_iter()
                .map(|group| read_description(group))
                .collect()
        }
    }
}

unsafe fn read_description(group: *const rd::rd_kafka_ConsumerGroupDescription_t) -> ConsumerGroupDescription {
    const KIP848: i32 = rd::rd_kafka_consumer_group_type_t::RD_KAFKA_CONSUMER_GROUP_TYPE_CONSUMER as i32;
    unsafe {
        let state = raw::rd_kafka_ConsumerGroupDescription_state(group);
        let count = rd::rd_kafka_ConsumerGroupDescription_member_count(group);
        ConsumerGroupDescription {
            id: owned_string(rd::rd_kafka_ConsumerGroupDescription_group_id(group)).unwrap_or_default(),
            error: borrowed_error(rd::rd_kafka_ConsumerGroupDescription_error(group)),
            is_kip848: raw::rd_kafka_ConsumerGroupDescription_type(group) == KIP848,
            simple: rd::rd_kafka_ConsumerGroupDescription_is_simple_consumer_group(group) != 0,
            state: owned_string(raw::rd_kafka_consumer_group_state_name(state)).unwrap_or_default(),
            assignor: owned_string(rd::rd_kafka_ConsumerGroupDescription_partition_assignor(group)).unwrap_or_default(),
            members: (0..count)
                .map(|index| rd::rd_kafka_ConsumerGroupDescription_member(group, index))
                .filter(|member| !member.is_null())
                .map(|member| read_member(member))
                .collect(),
        }
    }
}

unsafe fn read_member(member: *const rd::rd_kafka_MemberDescription_t) -> ConsumerGroupMember {
    unsafe {
        let assignment = rd::rd_kafka_MemberDescription_assignment(member);
        let partitions = match assignment.is_null() {
            true => std::ptr::null(),
            false => rd::rd_kafka_MemberAssignment_partitions(assignment),
        };
        ConsumerGroupMember {
            member_id: owned_string(rd::rd_kafka_MemberDescription_consumer_id(member)).unwrap_or_default(),
            client_id: owned_string(rd::rd_kafka_MemberDescription_client_id(member)).unwrap_or_default(),
            client_host: owned_string(rd::rd_kafka_MemberDescription_host(member)).unwrap_or_default(),
            assignment: PartitionList::read(partitions),
        }
    }
}

impl Client {
    /// Blocks. The group of that name or all groups, of every broker; a group of KIP-848 is "Dead" here. True when some
    /// broker did not answer in time.
    pub fn classic_groups(
        self: &Arc<Self>,
        group: Option<&str>,
        timeout_ms: u32,
    ) -> KafkaResult<(Vec<ClassicGroup>, bool)> {
        let name = optional_c_string(group)?;
        let mut list: *const rd::rd_kafka_group_list = std::ptr::null();
        // SAFETY: valid handle; a list that is set is ours until destroyed, and its counts tell its arrays.
        unsafe {
            let code = raw::rd_kafka_list_groups(self.raw(), pointer_or_null(&name), &mut list, limit(timeout_ms));
            if code != codes::NO_ERROR && code != codes::PARTIAL {
                return Err(KafkaError::from_code(code));
            }
            if list.is_null() {
                return Ok((Vec::new(), code == codes::PARTIAL));
            }
            let count = usize::try_from((*list).group_cnt).unwrap_or(0);
            let groups = (0..count).map(|index| read_classic(&*(*list).groups.add(index))).collect();
            rd::rd_kafka_group_list_destroy(list);
            Ok((groups, code == codes::PARTIAL))
        }
    }
}

unsafe fn read_classic(group: &rd::rd_kafka_group_info) -> ClassicGroup {
    let text = |text: *const c_char| unsafe { owned_string(text) }.unwrap_or_default();
    let count = usize::try_from(group.member_cnt).unwrap_or(0);
    ClassicGroup {
        id: text(group.group),
        code: unsafe { code_of_field(std::ptr::addr_of!(group.err)) },
        state: text(group.state),
        protocol_type: text(group.protocol_type),
        protocol: text(group.protocol),
        members: (0..count)
            .map(|index| {
                let member = unsafe { &*group.members.add(index) };
                ClassicMember {
                    member_id: text(member.member_id),
                    client_id: text(member.client_id),
                    client_host: text(member.client_host),
                    metadata: unsafe { bytes(member.member_metadata, member.member_metadata_size) },
                    assignment: unsafe { bytes(member.member_assignment, member.member_assignment_size) },
                }
            })
            .collect(),
    }
}

unsafe fn bytes(pointer: *const c_void, size: i32) -> Vec<u8> {
    match usize::try_from(size) {
        Ok(size) if size > 0 && !pointer.is_null() => {
            unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), size) }.to_vec()
        }
        _ => Vec::new(),
    }
}
