//! Who leads a group. librdkafka's API does not say, its debug log does: one line for each JoinGroup response
//! (`rd_kafka_cgrp_handle_JoinGroup`). The context `cgrp` has lines for rebalances, heartbeats and commits, none for messages, and below
//! level 7 librdkafka does not even format them; so the level is 7 only while somebody listens to GROUP_JOIN.

#![deny(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Mutex;

use super::config::Config;
use super::producer::lock;

/// syslog's.
pub const DEBUG: i32 = 7;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    pub generation: i32,
    /// The assignor that the coordinator chose: `roundrobin`.
    pub protocol: String,
    pub leader_id: String,
}

#[derive(Default)]
pub struct JoinLog {
    /// Debug lines are only there for us: the user asked for none.
    ours: AtomicBool,
    last: Mutex<Option<Joined>>,
}

impl JoinLog {
    /// The properties with which librdkafka's log tells of joins. Where the user has chosen what to debug, that stays.
    pub fn prepare(&self, config: &Config) -> Config {
        let ours = config.get("debug").is_none_or(str::is_empty);
        self.ours.store(ours, Ordering::Relaxed);
        match ours {
            true => config.and("debug", "cgrp"),
            false => config.clone(),
        }
    }

    /// The log level that the handle should have. `None`: as librdkafka has set it, for the user's own debugging.
    pub fn level(&self, config: &Config, listening: bool) -> Option<i32> {
        match (self.ours.load(Ordering::Relaxed), listening) {
            (false, _) => None,
            (true, true) => Some(DEBUG),
            (true, false) => Some(config.number("log_level", 6).min(6) as i32),
        }
    }

    /// Reads a line of the log. True when it is not for the user.
    pub fn takes(&self, level: i32, message: &str) -> bool {
        if level < DEBUG {
            return false;
        }
        if let Some(joined) = parse(message) {
            *lock(&self.last) = Some(joined);
        }
        self.ours.load(Ordering::Relaxed)
    }

    /// Of the join that led to this generation.
    pub fn of_generation(&self, generation: i32) -> Option<Joined> {
        lock(&self.last).clone().filter(|joined| joined.generation == generation)
    }
}

/// `… JoinGroup response: GenerationId 3, Protocol range, LeaderId a-1 (me), my MemberId a-1, member metadata count …`. A member id
/// begins with the client id, which may hold anything.
fn parse(line: &str) -> Option<Joined> {
    let (_, rest) = line.split_once("JoinGroup response: GenerationId ")?;
    let (generation, rest) = rest.split_once(", Protocol ")?;
    let (protocol, rest) = rest.split_once(", LeaderId ")?;
    let (rest, _) = rest.rsplit_once(", member metadata count ")?;
    let leader_id = match rest.split_once(" (me), my MemberId ") {
        // Only where the same id stands on both sides is that no part of an id.
        Some((leader, member)) if leader == member => leader,
        _ => rest.rsplit_once(", my MemberId ")?.0,
    };
    let generation = generation.parse().ok()?;
    Some(Joined { generation, protocol: protocol.to_owned(), leader_id: leader_id.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(leader: &str, member: &str) -> String {
        format!(
            "[thrd:main]: 127.0.0.1:1/1: JoinGroup response: GenerationId 3, Protocol roundrobin, LeaderId {leader}, \
             my MemberId {member}, member metadata count 0: (no error)"
        )
    }

    #[test]
    fn the_leader_is_read_from_the_line_of_the_join() {
        let leader = |line: &str| parse(line).map(|joined| joined.leader_id);
        assert_eq!(leader(&line("a-1", "b-2")).as_deref(), Some("a-1"));
        assert_eq!(leader(&line("a-1 (me)", "a-1")).as_deref(), Some("a-1"));
        assert_eq!(
            leader(&line("x, my MemberId y-1 (me)", "x, my MemberId y-1")).as_deref(),
            Some("x, my MemberId y-1")
        );
        assert_eq!(leader("JoinGroup response: discarding outdated request (now in join-state init)"), None);
        let joined = parse(&line("a", "b")).unwrap();
        assert_eq!((joined.generation, &*joined.protocol), (3, "roundrobin"));
    }

    #[test]
    fn debug_lines_reach_the_user_only_when_asked_for() {
        let (plain, chatty) = (Config::from_iter([("log_level", "4")]), Config::from_iter([("debug", "broker")]));
        let log = JoinLog::default();
        assert_eq!(log.prepare(&plain).get("debug"), Some("cgrp"));
        assert_eq!((log.level(&plain, false), log.level(&plain, true)), (Some(4), Some(7)));
        assert!(log.takes(7, &line("a", "b")) && !log.takes(6, "other"));
        assert_eq!(log.of_generation(3).unwrap().leader_id, "a");
        assert_eq!(log.of_generation(4), None);
        assert_eq!(log.prepare(&chatty).get("debug"), Some("broker"));
        assert_eq!(log.level(&chatty, true), None);
        assert!(!log.takes(7, "other"));
    }
}
