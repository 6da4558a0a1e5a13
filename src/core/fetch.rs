//! Draining: fetched messages from librdkafka's queue into frames.

#![deny(unsafe_code)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use super::error::{codes, KafkaError};
use super::event::{FrameBuffer, FramePool};
use super::ffi::{Message, Messages, Partition, Queue};
use super::producer::lock;
use crate::frame::writer::{ConsumeFrameWriter, MessageView};

/// How much one frame carries. Smaller frames keep the event loop responsive, larger ones cost fewer crossings, and a batch
/// can be no larger than the frames that JavaScript holds.
#[derive(Debug, Clone, Copy)]
pub struct FrameLimits {
    pub bytes: usize,
    pub messages: usize,
}

/// Topic names by the id that frames use; JavaScript asks for each once.
#[derive(Clone, Default)]
pub struct TopicNames(Arc<Mutex<Names>>);

#[derive(Default)]
struct Names {
    list: Vec<String>,
    ids: HashMap<String, i32>,
}

impl TopicNames {
    pub fn id(&self, name: &str) -> i32 {
        let mut names = lock(&self.0);
        if let Some(&id) = names.ids.get(name) {
            return id;
        }
        let id = names.list.len() as i32;
        names.list.push(name.to_owned());
        names.ids.insert(name.to_owned(), id);
        id
    }

    pub fn name(&self, id: u32) -> Option<String> {
        lock(&self.0).list.get(id as usize).cloned()
    }
}

/// What a drained stretch became, in the order of the queue.
pub enum Fetched {
    Frame(FrameBuffer),
    /// An error of one partition.
    Error(KafkaError, String, i32),
}

pub struct Fetcher {
    messages: Messages,
    limits: FrameLimits,
    names: TopicNames,
    pool: Arc<FramePool>,
    /// Bytes of a message lately, so that a frame of large messages is not a thousand of them.
    typical: usize,
    /// A frame was made since the last `rest`.
    busy: bool,
}

/// What a record takes in a batch beside key, value and headers, so that limits in bytes mean about what brokers mean.
const RECORD_OVERHEAD: usize = 8;
/// Headers can take so many times the bytes in a frame: eight for the lengths of one, which are two in a record.
const HEADERS_GROW: usize = 4;
/// Frames begin with room for this much at most: where little is fetched, large ones would be memory for nothing.
const FIRST_CAPACITY: usize = 512 * 1024;

/// What is taken for a message's size before there was one: the first frame must not be a thousand large ones.
const FIRST_TYPICAL: usize = 16 * 1024;

/// What the fetcher asks about a partition when a run of its messages begins.
pub trait Partitions {
    fn high_watermark(&self, topic: &str, partition: i32) -> i64;
    fn epoch(&self, topic: &str, partition: i32) -> i32;
    /// Where the next message is expected by what was handed out; `None` of a partition that is not owned.
    fn position(&self, topic: &str, partition: i32) -> Option<Arc<AtomicI64>>;
}

impl Fetcher {
    pub fn new(limits: FrameLimits, names: TopicNames) -> Fetcher {
        let messages = Messages::with_capacity(limits.messages.clamp(1, 10_000));
        Fetcher { messages, limits, names, pool: Arc::default(), typical: FIRST_TYPICAL, busy: false }
    }

    pub fn set_limits(&mut self, limits: FrameLimits) {
        self.limits = limits;
        self.messages = Messages::with_capacity(limits.messages.clamp(1, 10_000));
    }

    /// Up to one full frame, without waiting; empty when nothing was there. Errors end a frame, so that their place in the
    /// order is kept.
    pub fn fetch(&mut self, queue: &Queue, generation: i32, partitions: &dyn Partitions) -> Vec<Fetched> {
        let mut fetched = Vec::new();
        let mut writer: Option<ConsumeFrameWriter> = None;
        let mut section: Option<(usize, i32)> = None;
        let mut position: Option<Arc<AtomicI64>> = None;
        let (mut bytes, mut count) = (0, 0);
        while bytes < self.limits.bytes && count < self.limits.messages {
            let by_bytes = (self.limits.bytes - bytes) / self.typical.max(1);
            let limit = by_bytes.clamp(1, self.limits.messages - count).min(self.messages.capacity());
            let drained = queue.drain(&mut self.messages, limit);
            if drained == 0 {
                break;
            }
            let bytes_before = bytes;
            for message in self.messages.iter() {
                if message.code() != codes::NO_ERROR {
                    section = None;
                    Self::close(&mut fetched, writer.take(), generation, &self.pool);
                    fetched.push(error_of(&message));
                    continue;
                }
                let headers = message.header_bytes();
                let size = message.key().map_or(0, <[u8]>::len) + message.value().map_or(0, <[u8]>::len) + headers;
                let room = size + headers * (HEADERS_GROW - 1);
                if writer.as_ref().is_some_and(|writer| !writer.fits(room)) {
                    section = None;
                    Self::close(&mut fetched, writer.take(), generation, &self.pool);
                }
                let capacity = (self.limits.bytes + self.limits.bytes / 4).min(FIRST_CAPACITY);
                let least = ConsumeFrameWriter::room_for(room);
                let frame = writer.get_or_insert_with(|| ConsumeFrameWriter::new(self.pool.take(least, capacity)));
                let run = (message.topic_token(), message.partition());
                if section != Some(run) {
                    section = Some(run);
                    let topic = message.topic();
                    let watermark = partitions.high_watermark(&topic, run.1);
                    frame.begin_section(self.names.id(&topic), run.1, watermark, partitions.epoch(&topic, run.1));
                    position = partitions.position(&topic, run.1);
                }
                push(frame, &message);
                if let Some(position) = &position {
                    // Never back, as librdkafka's: where a log begins anew the two stay together.
                    if position.load(Ordering::Relaxed) <= message.offset() {
                        position.store(message.offset() + 1, Ordering::Relaxed);
                    }
                }
                bytes += size + RECORD_OVERHEAD;
                count += 1;
            }
            // Up at once, down slowly: what was taken from the queue has to go into the frame.
            let mean = (bytes - bytes_before) / drained;
            self.typical = mean.max((self.typical * 3 + mean) / 4 + 1);
            let short = drained < limit;
            self.messages.clear();
            if short {
                break;
            }
        }
        Self::close(&mut fetched, writer, generation, &self.pool);
        self.busy |= !fetched.is_empty();
        fetched
    }

    /// Called now and then: a consumer that has nothing to do keeps no memory for frames.
    pub fn rest(&mut self) {
        if !std::mem::take(&mut self.busy) {
            self.pool.clear();
        }
    }

    /// A frame without messages, for partitions that were read further than their last message.
    pub fn positions(
        &mut self,
        positions: &[Partition],
        generation: i32,
        partitions: &dyn Partitions,
    ) -> Option<FrameBuffer> {
        let mut frame = ConsumeFrameWriter::new(Vec::new());
        for Partition { topic, partition, offset, .. } in positions {
            let watermark = partitions.high_watermark(topic, *partition);
            frame.begin_section(self.names.id(topic), *partition, watermark, partitions.epoch(topic, *partition));
            frame.end_section(*offset);
        }
        (!frame.is_empty()).then(|| FrameBuffer::new(frame.finish(generation), &self.pool))
    }

    fn close(fetched: &mut Vec<Fetched>, writer: Option<ConsumeFrameWriter>, generation: i32, pool: &Arc<FramePool>) {
        if let Some(writer) = writer.filter(|writer| !writer.is_empty()) {
            fetched.push(Fetched::Frame(FrameBuffer::new(writer.finish(generation), pool)));
        }
    }
}

fn push(frame: &mut ConsumeFrameWriter, message: &Message<'_>) {
    let (timestamp, timestamp_type) = message.timestamp();
    let view = MessageView {
        offset: message.offset(),
        timestamp,
        timestamp_type,
        leader_epoch: message.leader_epoch(),
        key: message.key(),
        value: message.value(),
    };
    frame.push(view, message.headers());
}

fn error_of(message: &Message<'_>) -> Fetched {
    let mut error = KafkaError::from_code(message.code());
    if let Some(text) = message.error_text().filter(|text| !text.is_empty()) {
        error.message = text;
    }
    Fetched::Error(error, message.topic(), message.partition())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_keeps_its_id() {
        let names = TopicNames::default();
        assert_eq!((names.id("a"), names.id("b"), names.id("a")), (0, 1, 0));
        assert_eq!(names.name(1).as_deref(), Some("b"));
        assert_eq!(names.name(2), None);
    }
}
