//! Delivery reports, folded per send: JavaScript hears once of each send, not once of each message.

#![deny(unsafe_code)]

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::error::codes;
use crate::frame::writer::{CompleteSends, Delivered};

/// What librdkafka carries with each record and gives back in its report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    pub send: u32,
    pub topic: u32,
}

impl Tag {
    pub fn pack(self) -> u64 {
        u64::from(self.send) << 32 | u64::from(self.topic)
    }

    pub fn unpack(packed: u64) -> Tag {
        Tag { send: (packed >> 32) as u32, topic: packed as u32 }
    }
}

#[derive(Debug, Default)]
struct Send {
    /// How many sends had begun, this one included.
    number: u64,
    remaining: u32,
    error: i32,
    failed: u32,
    partitions: Vec<Delivered>,
}

/// The sends that wait for reports, and those that are complete and not yet told.
#[derive(Default)]
pub struct Sends {
    waiting: HashMap<u32, Send, BuildHasherDefault<NumberHasher>>,
    complete: CompleteSends,
    /// JavaScript knows that there are complete ones, and has not taken all.
    told: bool,
    begun: u64,
    reports: u64,
}

impl Sends {
    /// Announces a send. Doing so again, when a walk resumes, changes nothing.
    pub fn begin(&mut self, id: u32, records: u32) {
        if records == 0 {
            self.complete.push(id, codes::NO_ERROR, 0, &[]);
        } else {
            let begun = &mut self.begun;
            self.waiting.entry(id).or_insert_with(|| {
                *begun += 1;
                Send { number: *begun, remaining: records, ..Send::default() }
            });
        }
    }

    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many sends have begun so far.
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// How many of the first `until` sends wait for reports.
    pub fn waiting_of(&self, until: u64) -> usize {
        self.waiting.values().filter(|send| send.number <= until).count()
    }

    /// How many records were reported so far: what a close waits by.
    pub fn reports(&self) -> u64 {
        self.reports
    }

    /// Folds the report of one record; `offset` below zero when unknown.
    pub fn report(&mut self, tag: Tag, partition: i32, offset: i64, error: i32) {
        self.report_at(tag, partition, offset, error, || -1);
    }

    /// As `report`; `log_append_time` is asked once for a partition, as all its records of a request have the same.
    pub fn report_at(
        &mut self,
        tag: Tag,
        partition: i32,
        offset: i64,
        error: i32,
        log_append_time: impl FnOnce() -> i64,
    ) {
        self.reports += 1;
        let Some(send) = self.waiting.get_mut(&tag.send) else { return };
        if error != codes::NO_ERROR {
            send.failed += 1;
            if send.error == codes::NO_ERROR {
                send.error = error;
            }
        } else {
            let topic = tag.topic as i32;
            // Reports of one partition come in a row.
            let found =
                send.partitions.iter_mut().rev().find(|part| part.partition == partition && part.topic == topic);
            match found {
                Some(part) => {
                    part.count += 1;
                    if offset >= 0 && (part.base_offset < 0 || offset < part.base_offset) {
                        part.base_offset = offset;
                    }
                }
                None => {
                    let base_offset = offset.max(-1);
                    let log_append_time = log_append_time();
                    send.partitions.push(Delivered { topic, partition, base_offset, log_append_time, count: 1 });
                }
            }
        }
        send.remaining -= 1;
        if send.remaining == 0 {
            if let Some(send) = self.waiting.remove(&tag.send) {
                self.complete.push(tag.send, send.error, send.failed, &send.partitions);
            }
        }
    }

    /// Whether sends are complete and JavaScript does not know that it has something to take.
    pub fn has_untold(&self) -> bool {
        !self.told && !self.complete.is_empty()
    }

    /// True when JavaScript is to be told now. It hears of it once, until it has taken all.
    pub fn tell(&mut self) -> bool {
        let tell = self.has_untold();
        self.told |= tell;
        tell
    }

    /// Writes a deliveries frame, see `CompleteSends::take`.
    pub fn take_complete(&mut self, frame: &mut [i32]) {
        self.complete.take(frame);
        self.told &= !self.complete.is_empty();
    }
}

/// Send ids are consecutive numbers: spreading them is all that a hash must do.
#[derive(Default)]
pub struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(self.0 as u32 ^ u32::from(byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a frame of some sends says.
    fn take(sends: &mut Sends) -> Vec<i32> {
        let mut frame = vec![0; 64];
        sends.take_complete(&mut frame);
        frame.truncate(frame[1] as usize / 4);
        frame.split_off(4)
    }

    #[test]
    fn a_send_is_told_once_when_its_last_report_is_in() {
        let mut sends = Sends::default();
        sends.begin(7, 3);
        let tag = Tag { send: 7, topic: 1 };
        sends.report(tag, 0, 11, 0);
        sends.report(tag, 2, 5, 0);
        assert!(!sends.tell() && take(&mut sends).is_empty());
        sends.report(tag, 0, 10, 0);
        assert!(sends.tell() && !sends.tell());
        assert_eq!(take(&mut sends), [7, 0, 0, 2, 1, 0, 10, 0, -1, -1, 2, 0, 1, 2, 5, 0, -1, -1, 1, 0]);
        assert!(sends.is_idle() && !sends.tell() && take(&mut sends).is_empty());
    }

    #[test]
    fn javascript_is_told_again_only_when_it_has_taken_all() {
        let mut sends = Sends::default();
        for id in 1..=3 {
            sends.begin(id, 1);
            sends.report(Tag { send: id, topic: 0 }, 0, 1, 0);
        }
        assert!(sends.tell());
        sends.take_complete(&mut [0; 4 + 12 + 12]);
        assert!(!sends.has_untold() && !sends.tell());
        assert_eq!(take(&mut sends)[0], 3);
        sends.begin(4, 0);
        assert!(sends.has_untold() && sends.tell());
    }

    #[test]
    fn the_first_error_counts_and_failures_are_numbered() {
        let mut sends = Sends::default();
        sends.begin(1, 3);
        let tag = Tag { send: 1, topic: 0 };
        sends.report(tag, 0, -1001, codes::MSG_TIMED_OUT);
        sends.report(tag, 0, -1001, 10);
        sends.report(tag, 0, 4, 0);
        assert_eq!(take(&mut sends)[..4], [1, codes::MSG_TIMED_OUT, 2, 1]);
    }

    #[test]
    fn an_unknown_offset_is_minus_one_and_a_known_one_replaces_it() {
        let mut sends = Sends::default();
        sends.begin(1, 2);
        sends.report(Tag { send: 1, topic: 0 }, 0, -1001, 0);
        sends.report(Tag { send: 1, topic: 0 }, 0, 9, 0);
        assert_eq!(take(&mut sends)[4..8], [0, 0, 9, 0]);
    }

    #[test]
    fn announcing_a_send_again_keeps_what_was_reported() {
        let mut sends = Sends::default();
        sends.begin(1, 2);
        sends.report(Tag { send: 1, topic: 0 }, 0, 1, 0);
        sends.begin(1, 2);
        sends.report(Tag { send: 1, topic: 0 }, 0, 2, 0);
        assert!(sends.tell());
    }

    #[test]
    fn what_began_before_a_flush_is_told_from_what_began_later() {
        let mut sends = Sends::default();
        sends.begin(9, 1);
        let until = sends.begun();
        sends.begin(8, 1);
        assert_eq!((sends.waiting_of(until), sends.waiting_of(sends.begun())), (1, 2));
        sends.report(Tag { send: 9, topic: 0 }, 0, 1, 0);
        assert_eq!((sends.waiting_of(until), sends.reports()), (0, 1));
    }

    #[test]
    fn tags_survive_the_journey() {
        for tag in [Tag { send: u32::MAX, topic: 0 }, Tag { send: 0, topic: u32::MAX }, Tag { send: 5, topic: 6 }] {
            assert_eq!(Tag::unpack(tag.pack()), tag);
        }
    }

    #[test]
    fn a_send_without_records_is_complete_at_once() {
        let mut sends = Sends::default();
        sends.begin(3, 0);
        assert_eq!(take(&mut sends), [3, 0, 0, 0]);
    }
}
