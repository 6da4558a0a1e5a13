//! Access control lists. Numbers are Kafka's own: for resource types, pattern types, operations and permission types.

use rdkafka::bindings as rd;
use serde::{Deserialize, Serialize};

use super::{borrowed_error, c_string, entries, optional_c_string, owned_string, pointer_or_null, raw};
use super::{Client, ErrorText, Event, Objects, Operation, Options, Queue};
use crate::core::error::{KafkaError, KafkaResult};

type Kind = rd::rd_kafka_admin_op_t;

#[derive(Debug, Deserialize)]
pub struct CreateAcls {
    pub acls: Vec<Acl>,
}

#[derive(Debug, Deserialize)]
pub struct DescribeAcls {
    pub filter: AclFilter,
}

#[derive(Debug, Deserialize)]
pub struct DeleteAcls {
    pub filters: Vec<AclFilter>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Acl {
    pub resource_type: i32,
    pub resource_name: String,
    pub resource_pattern_type: i32,
    pub principal: String,
    pub host: String,
    pub operation: i32,
    pub permission_type: i32,
    #[serde(skip_deserializing)]
    pub error: Option<KafkaError>,
}

/// Where nothing is said, anything matches.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AclFilter {
    pub resource_type: i32,
    pub resource_name: Option<String>,
    pub resource_pattern_type: i32,
    pub principal: Option<String>,
    pub host: Option<String>,
    pub operation: i32,
    pub permission_type: i32,
}

#[derive(Debug, Serialize)]
pub struct AclResult {
    pub error: Option<KafkaError>,
}

#[derive(Debug, Serialize)]
pub struct FilterResult {
    pub error: Option<KafkaError>,
    pub acls: Vec<Acl>,
}

// SAFETY (all below): the objects live during the call, librdkafka copies them; the event owns its result, and a result
// of another kind is NULL.
impl Operation for CreateAcls {
    type Output = Vec<AclResult>;
    const KIND: Kind = Kind::RD_KAFKA_ADMIN_OP_CREATEACLS;

    fn send(&self, client: &Client, options: &Options, results: &Queue) -> KafkaResult<()> {
        let mut acls = Objects::new(rd::rd_kafka_AclBinding_destroy);
        let mut text = ErrorText::new();
        for acl in &self.acls {
            let (name, principal) = (c_string(&acl.resource_name)?, c_string(&acl.principal)?);
            let host = c_string(&acl.host)?;
            let object = unsafe {
                raw::rd_kafka_AclBinding_new(
                    acl.resource_type,
                    name.as_ptr(),
                    acl.resource_pattern_type,
                    principal.as_ptr(),
                    host.as_ptr(),
                    acl.operation,
                    acl.permission_type,
                    text.pointer(),
                    text.size(),
                )
            };
            acls.push(object, &text)?;
        }
        unsafe { rd::rd_kafka_CreateAcls(client.raw(), acls.pointer(), acls.len(), options.raw(), results.raw()) };
        Ok(())
    }

    fn read(&self, event: &Event) -> Vec<AclResult> {
        let mut count = 0;
        unsafe {
            let result = rd::rd_kafka_event_CreateAcls_result(event.raw());
            if result.is_null() {
                return Vec::new();
            }
            entries(rd::rd_kafka_CreateAcls_result_acls(result, &mut count), count)
                .into_iter()
                .map(|acl| AclResult { error: borrowed_error(rd::rd_kafka_acl_result_error(acl)) })
                .collect()
        }
    }
}

impl Operation for DescribeAcls {
    type Output = Vec<Acl>;
    const KIND: Kind = Kind::RD_KAFKA_ADMIN_OP_DESCRIBEACLS;

    fn send(&self, client: &Client, options: &Options, results: &Queue) -> KafkaResult<()> {
        let mut filters = Objects::new(rd::rd_kafka_AclBinding_destroy);
        let filter = new_filter(&self.filter, &mut filters)?;
        unsafe { rd::rd_kafka_DescribeAcls(client.raw(), filter, options.raw(), results.raw()) };
        Ok(())
    }

    fn read(&self, event: &Event) -> Vec<Acl> {
        let mut count = 0;
        unsafe {
            let result = rd::rd_kafka_event_DescribeAcls_result(event.raw());
            if result.is_null() {
                return Vec::new();
            }
            bindings(rd::rd_kafka_DescribeAcls_result_acls(result, &mut count), count)
        }
    }
}

impl Operation for DeleteAcls {
    type Output = Vec<FilterResult>;
    const KIND: Kind = Kind::RD_KAFKA_ADMIN_OP_DELETEACLS;

    fn send(&self, client: &Client, options: &Options, results: &Queue) -> KafkaResult<()> {
        let mut filters = Objects::new(rd::rd_kafka_AclBinding_destroy);
        for filter in &self.filters {
            new_filter(filter, &mut filters)?;
        }
        unsafe {
            rd::rd_kafka_DeleteAcls(client.raw(), filters.pointer(), filters.len(), options.raw(), results.raw())
        };
        Ok(())
    }

    fn read(&self, event: &Event) -> Vec<FilterResult> {
        let mut count = 0;
        unsafe {
            let result = rd::rd_kafka_event_DeleteAcls_result(event.raw());
            if result.is_null() {
                return Vec::new();
            }
            entries(rd::rd_kafka_DeleteAcls_result_responses(result, &mut count), count)
                .into_iter()
                .map(|response| {
                    let mut count = 0;
                    let acls = rd::rd_kafka_DeleteAcls_result_response_matching_acls(response, &mut count);
                    FilterResult {
                        error: borrowed_error(rd::rd_kafka_DeleteAcls_result_response_error(response)),
                        acls: bindings(acls, count),
                    }
                })
                .collect()
        }
    }
}

fn new_filter(
    filter: &AclFilter,
    filters: &mut Objects<rd::rd_kafka_AclBindingFilter_t>,
) -> KafkaResult<*mut rd::rd_kafka_AclBindingFilter_t> {
    let name = optional_c_string(filter.resource_name.as_deref())?;
    let principal = optional_c_string(filter.principal.as_deref())?;
    let host = optional_c_string(filter.host.as_deref())?;
    let mut text = ErrorText::new();
    let object = unsafe {
        raw::rd_kafka_AclBindingFilter_new(
            filter.resource_type,
            pointer_or_null(&name),
            filter.resource_pattern_type,
            pointer_or_null(&principal),
            pointer_or_null(&host),
            filter.operation,
            filter.permission_type,
            text.pointer(),
            text.size(),
        )
    };
    filters.push(object, &text)
}

unsafe fn bindings(acls: *mut *const rd::rd_kafka_AclBinding_t, count: usize) -> Vec<Acl> {
    unsafe { entries(acls, count) }
        .into_iter()
        .map(|acl| unsafe {
            Acl {
                resource_type: raw::rd_kafka_AclBinding_restype(acl),
                resource_name: owned_string(rd::rd_kafka_AclBinding_name(acl)).unwrap_or_default(),
                resource_pattern_type: raw::rd_kafka_AclBinding_resource_pattern_type(acl),
                principal: owned_string(rd::rd_kafka_AclBinding_principal(acl)).unwrap_or_default(),
                host: owned_string(rd::rd_kafka_AclBinding_host(acl)).unwrap_or_default(),
                operation: raw::rd_kafka_AclBinding_operation(acl),
                permission_type: raw::rd_kafka_AclBinding_permission_type(acl),
                error: borrowed_error(rd::rd_kafka_AclBinding_error(acl)),
            }
        })
        .collect()
}
