//! What groups there are and what they are, put together from what librdkafka tells in two ways: of classic groups of any
//! use with their members' own bytes, and of consumer groups under either protocol. These calls block.

#![deny(unsafe_code)]

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::error::{codes, KafkaError, KafkaResult};
use super::event::TopicPartition;
use super::ffi::admin::groups::{ClassicGroup, ConsumerGroupDescription, DescribeConsumerGroups, ListConsumerGroups};
use super::ffi::Client;

const CONSUMER: &str = "consumer";
const DEAD: &str = "Dead";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing {
    pub group_id: String,
    pub protocol_type: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    pub group_id: String,
    pub error: Option<KafkaError>,
    pub state: String,
    pub protocol_type: String,
    pub protocol: String,
    pub members: Vec<Member>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    pub member_id: String,
    pub client_id: String,
    pub client_host: String,
    /// What the member said when it joined, base64. Not told of a KIP-848 member.
    pub metadata: Option<String>,
    /// What it was given, base64. Not told of a KIP-848 member.
    pub assignment: Option<String>,
    /// What a KIP-848 member was given.
    pub assigned: Option<Vec<TopicPartition>>,
}

/// The groups of all brokers. Rejects when one of them does not answer: a part would look like the whole.
pub fn list(client: &Arc<Client>, timeout_ms: u32) -> KafkaResult<Vec<Listing>> {
    let consumers = client.call(&ListConsumerGroups, timeout_ms)?;
    if let Some(error) = consumers.error {
        return Err(error);
    }
    let (others, partial) = client.classic_groups(None, timeout_ms)?;
    if partial {
        return Err(KafkaError::timed_out(format!("A broker did not list its groups within {timeout_ms} ms")));
    }
    // A KIP-848 group is among the others too, but there it has no protocol: the later insertion tells the truth.
    let mut groups: BTreeMap<String, String> =
        others.into_iter().map(|group| (group.id, group.protocol_type)).collect();
    for group in consumers.groups {
        groups.insert(group.id, if group.simple { String::new() } else { CONSUMER.to_owned() });
    }
    Ok(groups.into_iter().map(|(group_id, protocol_type)| Listing { group_id, protocol_type }).collect())
}

/// In the order asked, each group once. A group that does not exist is "Dead".
pub fn describe(client: &Arc<Client>, groups: Vec<String>, timeout_ms: u32) -> KafkaResult<Vec<Description>> {
    let mut seen = HashSet::new();
    let groups: Vec<String> = groups.into_iter().filter(|group| seen.insert(group.clone())).collect();
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    client
        .call(&DescribeConsumerGroups { groups }, timeout_ms)?
        .into_iter()
        .map(|told| {
            if !needs_bytes(&told) {
                return Ok(description(told));
            }
            let found = patiently(timeout_ms, |ms| {
                let (groups, partial) = client.classic_groups(Some(&told.id), ms)?;
                Ok((groups.into_iter().find(|group| group.id == told.id), partial))
            })?;
            // If there is none it has gone in between.
            Ok(found.map_or_else(|| dead(told.id), classic_description))
        })
        .collect()
}

/// Asks again as long as it fails for librdkafka's own reasons. It asks every broker and waits for all: one that is down would
/// fail the call with each attempt to connect, about once a second, or take the whole time, although the group's coordinator
/// answered long before. So the first slices are short. `ask` gives the group, and whether an answer is missing.
fn patiently<T>(timeout_ms: u32, ask: impl Fn(u32) -> KafkaResult<(Option<T>, bool)>) -> KafkaResult<Option<T>> {
    let deadline = Instant::now() + Duration::from_millis(timeout_ms.into());
    let mut slice = FIRST_SLICE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let failure = match ask(left.min(slice).as_millis().max(1) as u32) {
            Ok((Some(found), _)) => return Ok(Some(found)),
            Ok((None, false)) => return Ok(None),
            Ok((None, true)) => KafkaError::timed_out(format!("No broker described the group within {timeout_ms} ms")),
            Err(error) if error.code < codes::NO_ERROR => error,
            Err(error) => return Err(error),
        };
        if left <= slice {
            return Err(failure);
        }
        if failure.code == codes::TIMED_OUT {
            slice *= 2;
        }
        thread::sleep(PAUSE);
    }
}

/// Enough for two requests to a broker that is not far.
const FIRST_SLICE: Duration = Duration::from_millis(250);
/// Before a call that may have failed at once is made again.
const PAUSE: Duration = Duration::from_millis(10);

/// Whether only the other way of asking tells what there is to say: the bytes of classic members, and groups of another use
/// than consuming, which this way refuses.
fn needs_bytes(told: &ConsumerGroupDescription) -> bool {
    match &told.error {
        Some(error) => matches!(error.code, codes::INVALID_ARG | codes::BAD_MSG | codes::UNDERFLOW),
        None => !told.is_kip848 && !told.members.is_empty(),
    }
}

fn description(told: ConsumerGroupDescription) -> Description {
    match told.error {
        Some(error) if error.code == codes::GROUP_ID_NOT_FOUND => return dead(told.id),
        Some(error) => return Description { error: Some(error), ..dead(told.id) },
        None if told.state == DEAD => return dead(told.id),
        None => {}
    }
    Description {
        group_id: told.id,
        error: None,
        state: told.state,
        protocol_type: if told.simple { String::new() } else { CONSUMER.to_owned() },
        protocol: told.assignor,
        members: told
            .members
            .into_iter()
            .map(|member| Member {
                member_id: member.member_id,
                client_id: member.client_id,
                client_host: member.client_host,
                metadata: None,
                assignment: None,
                assigned: Some(
                    member
                        .assignment
                        .into_iter()
                        .map(|one| TopicPartition { topic: one.topic, partition: one.partition })
                        .collect(),
                ),
            })
            .collect(),
    }
}

fn classic_description(group: ClassicGroup) -> Description {
    Description {
        group_id: group.id,
        error: (group.code != codes::NO_ERROR).then(|| KafkaError::from_code(group.code)),
        state: group.state,
        protocol_type: group.protocol_type,
        protocol: group.protocol,
        members: group
            .members
            .into_iter()
            .map(|member| Member {
                member_id: member.member_id,
                client_id: member.client_id,
                client_host: member.client_host,
                metadata: Some(base64(&member.metadata)),
                assignment: Some(base64(&member.assignment)),
                assigned: None,
            })
            .collect(),
    }
}

fn dead(group_id: String) -> Description {
    Description {
        group_id,
        error: None,
        state: DEAD.to_owned(),
        protocol_type: String::new(),
        protocol: String::new(),
        members: Vec::new(),
    }
}

/// Bytes inside JSON.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            // One byte fills two digits, two fill three.
            match digit <= three.len() {
                true => text.push(char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize])),
                false => text.push('='),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn base64_is_that_of_everybody() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xff, 0xef, 0xbe]), "/+++");
    }

    fn told(error: Option<KafkaError>, state: &str, is_kip848: bool) -> ConsumerGroupDescription {
        ConsumerGroupDescription {
            id: "g".into(),
            error,
            is_kip848,
            simple: false,
            state: state.into(),
            assignor: "uniform".into(),
            members: Vec::new(),
        }
    }

    #[test]
    fn a_group_that_nobody_knows_is_dead_and_a_refusal_stays_one() {
        let unknown = description(told(Some(KafkaError::from_code(codes::GROUP_ID_NOT_FOUND)), "Unknown", false));
        assert!(unknown.error.is_none());
        assert_eq!((unknown.state.as_str(), unknown.protocol.as_str()), (DEAD, ""));
        assert_eq!(description(told(None, DEAD, false)).protocol, "");
        assert_eq!(
            description(told(Some(KafkaError::from_code(30)), "Unknown", false)).error.map(|e| e.code),
            Some(30)
        );
    }

    #[test]
    fn a_broker_that_does_not_answer_keeps_no_group_from_being_described() {
        let asked = Cell::new(0);
        let ask = |ms| {
            asked.set(asked.get() + 1);
            match asked.get() {
                1 => Err(KafkaError::from_code(codes::TRANSPORT)),
                2 => Ok((None, true)),
                _ => Ok((Some(ms), true)),
            }
        };
        assert_eq!(patiently(600_000, ask).unwrap(), Some(500));
        assert_eq!(patiently::<()>(600_000, |_| Ok((None, false))).unwrap(), None);
        assert_eq!(patiently::<()>(600_000, |_| Err(KafkaError::from_code(30))).unwrap_err().code, 30);
        assert_eq!(patiently::<()>(1, |_| Ok((None, true))).unwrap_err().code, codes::TIMED_OUT);
    }

    #[test]
    fn a_group_of_another_use_is_asked_for_in_the_other_way() {
        assert!(needs_bytes(&told(Some(KafkaError::from_code(codes::INVALID_ARG)), "Unknown", false)));
        assert!(!needs_bytes(&told(Some(KafkaError::from_code(codes::TIMED_OUT)), "Unknown", false)));
        assert!(!needs_bytes(&told(None, "Empty", true)));
    }
}
