//! Functions of librdkafka that take or give a C enum, declared with plain numbers. The bindings have Rust enums, which a
//! broker newer than the library, or a program's own number, can leave.

use std::ffi::{c_char, c_int};

use rdkafka::bindings as rd;

extern "C" {
    pub fn rd_kafka_event_error(event: *mut rd::rd_kafka_event_t) -> c_int;
    pub fn rd_kafka_fatal_error(rk: *mut rd::rd_kafka_t, text: *mut c_char, size: usize) -> c_int;
    pub fn rd_kafka_committed(
        rk: *mut rd::rd_kafka_t,
        partitions: *mut rd::rd_kafka_topic_partition_list_t,
        timeout_ms: c_int,
    ) -> c_int;
    pub fn rd_kafka_offsets_for_times(
        rk: *mut rd::rd_kafka_t,
        partitions: *mut rd::rd_kafka_topic_partition_list_t,
        timeout_ms: c_int,
    ) -> c_int;
    pub fn rd_kafka_list_groups(
        rk: *mut rd::rd_kafka_t,
        group: *const c_char,
        list: *mut *const rd::rd_kafka_group_list,
        timeout_ms: c_int,
    ) -> c_int;

    pub fn rd_kafka_error_code(error: *const rd::rd_kafka_error_t) -> c_int;
    pub fn rd_kafka_topic_result_error(result: *const rd::rd_kafka_topic_result_t) -> c_int;

    pub fn rd_kafka_ConfigResource_new(kind: c_int, name: *const c_char) -> *mut rd::rd_kafka_ConfigResource_t;
    pub fn rd_kafka_ConfigResource_type(resource: *const rd::rd_kafka_ConfigResource_t) -> c_int;
    pub fn rd_kafka_ConfigResource_error(resource: *const rd::rd_kafka_ConfigResource_t) -> c_int;
    pub fn rd_kafka_ConfigEntry_source(entry: *const rd::rd_kafka_ConfigEntry_t) -> c_int;

    pub fn rd_kafka_ConsumerGroupDescription_type(group: *const rd::rd_kafka_ConsumerGroupDescription_t) -> c_int;
    pub fn rd_kafka_ConsumerGroupDescription_state(group: *const rd::rd_kafka_ConsumerGroupDescription_t) -> c_int;
    pub fn rd_kafka_consumer_group_state_name(state: c_int) -> *const c_char;

    pub fn rd_kafka_AclBinding_new(
        resource_type: c_int,
        name: *const c_char,
        pattern_type: c_int,
        principal: *const c_char,
        host: *const c_char,
        operation: c_int,
        permission_type: c_int,
        text: *mut c_char,
        size: usize,
    ) -> *mut rd::rd_kafka_AclBinding_t;
    pub fn rd_kafka_AclBindingFilter_new(
        resource_type: c_int,
        name: *const c_char,
        pattern_type: c_int,
        principal: *const c_char,
        host: *const c_char,
        operation: c_int,
        permission_type: c_int,
        text: *mut c_char,
        size: usize,
    ) -> *mut rd::rd_kafka_AclBindingFilter_t;
    pub fn rd_kafka_AclBinding_restype(acl: *const rd::rd_kafka_AclBinding_t) -> c_int;
    pub fn rd_kafka_AclBinding_resource_pattern_type(acl: *const rd::rd_kafka_AclBinding_t) -> c_int;
    pub fn rd_kafka_AclBinding_operation(acl: *const rd::rd_kafka_AclBinding_t) -> c_int;
    pub fn rd_kafka_AclBinding_permission_type(acl: *const rd::rd_kafka_AclBinding_t) -> c_int;
}
