//! What the native methods take.

use std::collections::HashMap;

use napi::Either;
use napi_derive::napi;

use crate::core::config::Config;
use crate::core::error::{KafkaError, KafkaResult};
use crate::core::event::Token;
use crate::core::ffi::Partition;
use crate::core::transactions::{GroupMetadata, Member};

/// librdkafka properties, all values as text.
pub type Properties = HashMap<String, String>;

pub fn config(properties: Properties) -> Config {
    properties.into_iter().collect()
}

#[napi(object)]
pub struct TopicPartition {
    pub topic: String,
    pub partition: i32,
}

#[napi(object)]
pub struct TopicPartitionOffset {
    pub topic: String,
    pub partition: i32,
    /// Decimal digits: JavaScript's numbers end at 2^53.
    pub offset: String,
    pub metadata: Option<String>,
}

/// Who commits offsets to a group; without `member_id` anybody.
#[napi(object)]
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupMember {
    pub group_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_instance_id: Option<String>,
}

impl From<GroupMember> for GroupMetadata {
    fn from(given: GroupMember) -> GroupMetadata {
        let (generation, instance_id) = (given.generation_id.unwrap_or(-1), given.group_instance_id);
        let member = given.member_id.map(|id| Member { id, generation, instance_id });
        GroupMetadata { group_id: given.group_id, member }
    }
}

impl From<GroupMetadata> for GroupMember {
    fn from(given: GroupMetadata) -> GroupMember {
        let (generation_id, member_id, group_instance_id) = match given.member {
            None => (None, None, None),
            Some(member) => (Some(member.generation), Some(member.id), member.instance_id),
        };
        GroupMember { group_id: given.group_id, generation_id, member_id, group_instance_id }
    }
}

#[napi(object)]
pub struct Subscription {
    pub topic: String,
    pub from_beginning: bool,
}

/// A token for OAUTHBEARER.
#[napi(object)]
pub struct TokenGiven {
    pub value: String,
    /// Milliseconds since the epoch.
    pub expires: i64,
    /// Not empty; librdkafka wants one, brokers read the token instead.
    pub principal: String,
    /// Name, value, name, value …
    pub extensions: Vec<String>,
}

/// A token, or why there is none.
pub fn read_token(given: Either<TokenGiven, String>) -> Result<Token, String> {
    match given {
        Either::A(TokenGiven { value, expires, principal, extensions }) => {
            Ok(Token { value, expires_ms: expires, principal, extensions })
        }
        Either::B(reason) => Err(reason),
    }
}

impl From<TopicPartition> for Partition {
    fn from(given: TopicPartition) -> Partition {
        Partition::new(given.topic, given.partition)
    }
}

impl TryFrom<TopicPartitionOffset> for Partition {
    type Error = KafkaError;

    fn try_from(given: TopicPartitionOffset) -> KafkaResult<Partition> {
        let offset = number("offset", &given.offset)?;
        Ok(Partition { metadata: given.metadata, ..Partition::at(given.topic, given.partition, offset) })
    }
}

pub fn number(what: &str, digits: &str) -> KafkaResult<i64> {
    digits.parse().map_err(|_| KafkaError::invalid_argument(format!("{what} must be a whole number, got {digits:?}")))
}

pub fn partitions<T>(given: Vec<T>) -> KafkaResult<Vec<Partition>>
where
    Partition: TryFrom<T>,
    KafkaError: From<<Partition as TryFrom<T>>::Error>,
{
    given.into_iter().map(|one| Partition::try_from(one).map_err(KafkaError::from)).collect()
}

impl From<std::convert::Infallible> for KafkaError {
    fn from(never: std::convert::Infallible) -> KafkaError {
        match never {}
    }
}
