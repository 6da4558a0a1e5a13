//! The configuration of topics and brokers.

use rdkafka::bindings as rd;
use serde::{Deserialize, Serialize};

use super::{c_string, code_of_err, entries, entry_error, owned_string, raw};
use super::{Client, ErrorText, Event, Objects, Operation, Options, Queue};
use crate::core::error::{codes, KafkaError, KafkaResult};

type Kind = rd::rd_kafka_admin_op_t;

/// At most one resource may be a broker: the request goes to it.
#[derive(Debug, Deserialize)]
pub struct DescribeConfigs {
    pub resources: Vec<Resource>,
}

/// Replaces the whole configuration of each resource. At most one may be a broker.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlterConfigs {
    pub resources: Vec<Resource>,
    pub validate_only: bool,
}

#[derive(Debug, Deserialize)]
pub struct Resource {
    /// 2: a topic, 4: a broker.
    #[serde(rename = "type")]
    pub kind: i32,
    pub name: String,
    #[serde(default)]
    pub config: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
pub struct ResourceResult {
    #[serde(rename = "type")]
    pub kind: i32,
    pub name: String,
    pub error: Option<KafkaError>,
    pub entries: Vec<Entry>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    pub name: String,
    pub value: Option<String>,
    pub read_only: bool,
    pub is_default: bool,
    pub source: i32,
    pub is_sensitive: bool,
    pub synonyms: Vec<Synonym>,
}

#[derive(Debug, Serialize)]
pub struct Synonym {
    pub name: String,
    pub value: Option<String>,
    pub source: i32,
}

// SAFETY (all below): the objects live during the call, librdkafka copies them; the event owns its result, and a result
// of another kind is NULL.
impl Operation for DescribeConfigs {
    type Output = Vec<ResourceResult>;
    const KIND: Kind = Kind::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS;

    fn send(&self, client: &Client, options: &Options, results: &Queue) -> KafkaResult<()> {
        let mut resources = objects(&self.resources)?;
        unsafe {
            rd::rd_kafka_DescribeConfigs(
                client.raw(),
                resources.pointer(),
                resources.len(),
                options.raw(),
                results.raw(),
            )
        };
        Ok(())
    }

    fn read(&self, event: &Event) -> Vec<ResourceResult> {
        let mut count = 0;
        unsafe {
            let result = rd::rd_kafka_event_DescribeConfigs_result(event.raw());
            if result.is_null() {
                return Vec::new();
            }
            resource_results(rd::rd_kafka_DescribeConfigs_result_resources(result, &mut count), count)
        }
    }
}

impl Operation for AlterConfigs {
    type Output = Vec<ResourceResult>;
    const KIND: Kind = Kind::RD_KAFKA_ADMIN_OP_ALTERCONFIGS;

    fn options(&self, options: &Options, _timeout_ms: i32) -> KafkaResult<()> {
        options.validate_only(self.validate_only)
    }

    fn send(&self, client: &Client, options: &Options, results: &Queue) -> KafkaResult<()> {
        let mut resources = objects(&self.resources)?;
        unsafe {
            rd::rd_kafka_AlterConfigs(client.raw(), resources.pointer(), resources.len(), options.raw(), results.raw())
        };
        Ok(())
    }

    fn read(&self, event: &Event) -> Vec<ResourceResult> {
        let mut count = 0;
        unsafe {
            let result = rd::rd_kafka_event_AlterConfigs_result(event.raw());
            if result.is_null() {
                return Vec::new();
            }
            resource_results(rd::rd_kafka_AlterConfigs_result_resources(result, &mut count), count)
        }
    }
}

fn objects(resources: &[Resource]) -> KafkaResult<Objects<rd::rd_kafka_ConfigResource_t>> {
    let mut objects = Objects::new(rd::rd_kafka_ConfigResource_destroy);
    for Resource { kind, name, config } in resources {
        let name = c_string(name)?;
        let object = unsafe { raw::rd_kafka_ConfigResource_new(*kind, name.as_ptr()) };
        let object = objects.push(object, &ErrorText::new())?;
        for (key, value) in config {
            let (key, value) = (c_string(key)?, c_string(value)?);
            let err = unsafe { rd::rd_kafka_ConfigResource_set_config(object, key.as_ptr(), value.as_ptr()) };
            if code_of_err(err) != codes::NO_ERROR {
                return Err(KafkaError::from_code(code_of_err(err)));
            }
        }
    }
    Ok(objects)
}

unsafe fn resource_results(resources: *mut *const rd::rd_kafka_ConfigResource_t, count: usize) -> Vec<ResourceResult> {
    unsafe { entries(resources, count) }
        .into_iter()
        .map(|resource| unsafe {
            let mut count = 0;
            let configs = rd::rd_kafka_ConfigResource_configs(resource, &mut count);
            ResourceResult {
                kind: raw::rd_kafka_ConfigResource_type(resource),
                name: owned_string(rd::rd_kafka_ConfigResource_name(resource)).unwrap_or_default(),
                error: entry_error(
                    raw::rd_kafka_ConfigResource_error(resource),
                    rd::rd_kafka_ConfigResource_error_string(resource),
                ),
                entries: entries(configs, count).into_iter().map(|entry| read_entry(entry)).collect(),
            }
        })
        .collect()
}

unsafe fn read_entry(entry: *const rd::rd_kafka_ConfigEntry_t) -> Entry {
    unsafe {
        let mut count = 0;
        let synonyms = rd::rd_kafka_ConfigEntry_synonyms(entry, &mut count);
        Entry {
            name: owned_string(rd::rd_kafka_ConfigEntry_name(entry)).unwrap_or_default(),
            value: owned_string(rd::rd_kafka_ConfigEntry_value(entry)),
            read_only: rd::rd_kafka_ConfigEntry_is_read_only(entry) > 0,
            is_default: rd::rd_kafka_ConfigEntry_is_default(entry) > 0,
            source: raw::rd_kafka_ConfigEntry_source(entry),
            is_sensitive: rd::rd_kafka_ConfigEntry_is_sensitive(entry) > 0,
            synonyms: entries(synonyms, count)
                .into_iter()
                .map(|synonym| Synonym {
                    name: owned_string(rd::rd_kafka_ConfigEntry_name(synonym)).unwrap_or_default(),
                    value: owned_string(rd::rd_kafka_ConfigEntry_value(synonym)),
                    source: raw::rd_kafka_ConfigEntry_source(synonym),
                })
                .collect(),
        }
    }
}
