//! Writes the frames that go to JavaScript: fetched messages and folded delivery reports.

#![deny(unsafe_code)]

use super::*;

/// One fetched message, borrowed from wherever it lies.
#[derive(Debug, Clone, Copy)]
pub struct MessageView<'a> {
    pub offset: i64,
    /// Milliseconds since the epoch, -1 for none.
    pub timestamp: i64,
    pub timestamp_type: i32,
    pub leader_epoch: i32,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
}

/// Collects fetched messages into one consume frame.
pub struct ConsumeFrameWriter {
    bytes: Vec<u8>,
    sections: Vec<i32>,
    descriptors: Vec<i32>,
}

impl ConsumeFrameWriter {
    /// `buffer` is recycled memory; its contents are dropped, its capacity is kept.
    pub fn new(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.resize(CONSUME_HEADER_WORDS * 4, 0);
        ConsumeFrameWriter { bytes: buffer, sections: Vec::new(), descriptors: Vec::new() }
    }

    pub fn count(&self) -> usize {
        self.descriptors.len() / MESSAGE_WORDS
    }

    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// Bytes that the finished frame will take.
    pub fn len(&self) -> usize {
        self.bytes.len() + 4 * (self.sections.len() + self.descriptors.len()) + 4
    }

    /// Bytes of a frame that holds one message of `size` bytes.
    pub fn room_for(size: usize) -> usize {
        size + 4 * (CONSUME_HEADER_WORDS + MESSAGE_WORDS + SECTION_WORDS) + 4
    }

    /// Whether a message of `size` bytes still fits under the hard limit of positions.
    pub fn fits(&self, size: usize) -> bool {
        self.len() + size + 4 * (MESSAGE_WORDS + SECTION_WORDS) < MAX_FRAME_BYTES
    }

    /// The messages that follow are of this partition.
    pub fn begin_section(&mut self, topic: i32, partition: i32, high_watermark: i64, epoch: i32) {
        let first = self.count() as i32;
        let [low, high] = words(high_watermark);
        self.sections.extend_from_slice(&[topic, partition, first, 0, low, high, epoch, 0, -1, -1]);
    }

    /// The partition of the section begun last was read up to here: after its last message there were control records and
    /// messages of aborted transactions.
    pub fn end_section(&mut self, position: i64) {
        if let Some(section) = self.sections.len().checked_sub(SECTION_WORDS) {
            self.sections[section + 8..].copy_from_slice(&words(position));
        }
    }

    /// Adds a message to the section begun last.
    pub fn push<'a>(&mut self, message: MessageView<'_>, headers: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>) {
        let position = self.bytes.len();
        let key = self.append(message.key);
        let value = self.append(message.value);
        let headers_at = self.bytes.len();
        for (name, value) in headers {
            self.bytes.extend_from_slice(&(name.len() as i32).to_le_bytes());
            self.bytes.extend_from_slice(name);
            self.bytes.extend_from_slice(&length_of(value).to_le_bytes());
            self.append(value);
        }
        let [offset_low, offset_high] = words(message.offset);
        let [timestamp_low, timestamp_high] = words(message.timestamp);
        self.descriptors.extend_from_slice(&[
            offset_low,
            offset_high,
            timestamp_low,
            timestamp_high,
            position as i32,
            key,
            value,
            (self.bytes.len() - headers_at) as i32,
            message.leader_epoch,
            message.timestamp_type,
        ]);
        if let Some(section) = self.sections.len().checked_sub(SECTION_WORDS) {
            self.sections[section + 3] += 1;
        }
    }

    fn append(&mut self, bytes: Option<&[u8]>) -> i32 {
        if let Some(bytes) = bytes {
            self.bytes.extend_from_slice(bytes);
        }
        length_of(bytes)
    }

    pub fn finish(mut self, generation: i32) -> Vec<u8> {
        let messages = self.count() as i32;
        let sections = (self.sections.len() / SECTION_WORDS) as i32;
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        let sections_at = self.bytes.len() as i32;
        let descriptors_at = sections_at + self.sections.len() as i32 * 4;
        self.bytes.reserve_exact(4 * (self.sections.len() + self.descriptors.len()));
        extend_words(&mut self.bytes, &self.sections);
        extend_words(&mut self.bytes, &self.descriptors);
        let total = self.bytes.len() as i32;
        let header = [CONSUME_MAGIC, total, messages, sections, generation, descriptors_at, sections_at, 0];
        for (slot, word) in self.bytes.chunks_exact_mut(4).zip(header) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        self.bytes
    }
}

/// One partition's part of a completed send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    pub topic: i32,
    pub partition: i32,
    /// Of the first message, -1 when the broker did not say (acks=0).
    pub base_offset: i64,
    /// Milliseconds since 1970, -1 for a topic that keeps the producer's timestamps.
    pub log_append_time: i64,
    pub count: i32,
}

/// Completed sends that JavaScript has not taken yet, as they will lie in a deliveries frame.
#[derive(Default)]
pub struct CompleteSends {
    words: Vec<i32>,
    /// Words that were taken already.
    taken: usize,
    sends: i32,
}

impl CompleteSends {
    pub fn is_empty(&self) -> bool {
        self.sends == 0
    }

    pub fn push(&mut self, id: u32, error: i32, failed: u32, partitions: &[Delivered]) {
        self.sends += 1;
        self.words.extend_from_slice(&[id as i32, error, failed as i32, partitions.len() as i32]);
        for part in partitions {
            let ([low, high], [append_low, append_high]) = (words(part.base_offset), words(part.log_append_time));
            self.words.extend_from_slice(&[
                part.topic,
                part.partition,
                low,
                high,
                append_low,
                append_high,
                part.count,
                0,
            ]);
        }
    }

    /// Writes a deliveries frame of the oldest sends, as many as fit. When not even one does, its header says the bytes that
    /// are needed.
    pub fn take(&mut self, frame: &mut [i32]) {
        let Some((header, room)) = frame.split_at_mut_checked(DELIVERIES_HEADER_WORDS) else { return };
        let waiting = &self.words[self.taken..];
        let (mut length, mut sends) = (0, 0);
        let mut needed = 0;
        while sends < self.sends {
            needed = length + DELIVERY_WORDS + DELIVERED_WORDS * waiting[length + 3] as usize;
            if needed > room.len() {
                break;
            }
            (length, sends) = (needed, sends + 1);
        }
        room[..length].copy_from_slice(&waiting[..length]);
        self.sends -= sends;
        self.taken += length;
        let bytes = (DELIVERIES_HEADER_WORDS + if sends == 0 { needed } else { length }) * 4;
        header.copy_from_slice(&[DELIVERIES_MAGIC, bytes as i32, sends, self.sends]);
        if self.sends == 0 {
            self.words.clear();
            self.words.shrink_to(KEPT_WORDS);
            self.taken = 0;
        } else if self.taken > KEPT_WORDS {
            // Never more than half is moved, so that it stays cheap.
            if self.taken > self.words.len() / 2 {
                self.words.drain(..self.taken);
                self.taken = 0;
            }
        }
    }
}

/// Memory for completed sends that is kept, in words.
const KEPT_WORDS: usize = 1 << 18;

fn extend_words(bytes: &mut Vec<u8>, words: &[i32]) {
    let start = bytes.len();
    bytes.resize(start + 4 * words.len(), 0);
    // In a form that becomes one copy.
    for (slot, word) in bytes[start..].chunks_exact_mut(4).zip(words) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
}

fn words(number: i64) -> [i32; 2] {
    [number as i32, (number >> 32) as i32]
}

fn length_of(bytes: Option<&[u8]>) -> i32 {
    bytes.map_or(NULL_LENGTH, |bytes| bytes.len() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(frame: &[u8], at: usize) -> i32 {
        i32::from_le_bytes(frame[at..at + 4].try_into().unwrap())
    }

    #[test]
    fn a_frame_describes_each_message_where_its_bytes_lie() {
        let mut writer = ConsumeFrameWriter::new(Vec::new());
        let message = |offset, key, value| MessageView {
            offset,
            timestamp: 1_700_000_000_000,
            timestamp_type: 1,
            leader_epoch: 7,
            key,
            value,
        };
        writer.begin_section(3, 5, 1 << 40, 2);
        writer.push(message(41, Some(b"k"), Some(b"value")), std::iter::empty());
        writer.push(message(42, None, None), [(&b"h"[..], None), (&b"i"[..], Some(&b"xy"[..]))].into_iter());
        let frame = writer.finish(9);

        assert_eq!(word(&frame, 0), CONSUME_MAGIC);
        assert_eq!(word(&frame, 4) as usize, frame.len());
        assert_eq!((word(&frame, 8), word(&frame, 12), word(&frame, 16)), (2, 1, 9));
        let (descriptors, sections) = (word(&frame, 20) as usize, word(&frame, 24) as usize);
        assert_eq!((word(&frame, sections), word(&frame, sections + 4)), (3, 5));
        assert_eq!((word(&frame, sections + 8), word(&frame, sections + 12)), (0, 2));
        assert_eq!((word(&frame, sections + 16), word(&frame, sections + 20)), (0, 1 << 8));
        assert_eq!(word(&frame, sections + 24), 2);
        assert_eq!((word(&frame, sections + 32), word(&frame, sections + 36)), (-1, -1));

        let position = word(&frame, descriptors + 16) as usize;
        assert_eq!(&frame[position..position + 6], b"kvalue");
        let second = descriptors + MESSAGE_WORDS * 4;
        assert_eq!(word(&frame, second), 42);
        assert_eq!((word(&frame, second + 20), word(&frame, second + 24)), (NULL_LENGTH, NULL_LENGTH));
        let headers = word(&frame, second + 16) as usize;
        let length = word(&frame, second + 28) as usize;
        assert_eq!(&frame[headers..headers + length], b"\x01\0\0\0h\xff\xff\xff\xff\x01\0\0\0i\x02\0\0\0xy");
    }

    #[test]
    fn recycled_memory_keeps_nothing_of_its_former_frame() {
        let mut writer = ConsumeFrameWriter::new(vec![0xff; 256]);
        writer.begin_section(0, 0, -1001, 0);
        let frame = writer.finish(0);
        assert_eq!(word(&frame, 8), 0);
        assert_eq!(frame.len(), (CONSUME_HEADER_WORDS + SECTION_WORDS) * 4);
    }

    #[test]
    fn a_section_may_be_nothing_but_a_position() {
        let mut writer = ConsumeFrameWriter::new(Vec::new());
        assert!(writer.is_empty());
        writer.begin_section(1, 2, 44, 0);
        writer.end_section((1 << 32) + 44);
        assert!(!writer.is_empty());
        let frame = writer.finish(1);
        let section = word(&frame, 24) as usize;
        assert_eq!((word(&frame, 8), word(&frame, section + 12)), (0, 0));
        assert_eq!((word(&frame, section + 32), word(&frame, section + 36)), (44, 1));
    }

    const DELIVERED: Delivered =
        Delivered { topic: 1, partition: 2, base_offset: (1 << 33) + 5, log_append_time: (1 << 40) + 7, count: 10 };

    #[test]
    fn deliveries_list_every_partition_of_a_send() {
        let mut complete = CompleteSends::default();
        assert!(complete.is_empty());
        complete.push(u32::MAX, 0, 0, &[DELIVERED]);
        let mut frame = [0; 16];
        complete.take(&mut frame);
        assert_eq!(frame, [DELIVERIES_MAGIC, 64, 1, 0, -1, 0, 0, 1, 1, 2, 5, 2, 7, 1 << 8, 10, 0]);
        assert!(complete.is_empty());
    }

    #[test]
    fn deliveries_are_taken_by_whole_sends_in_frames_of_any_size() {
        let mut complete = CompleteSends::default();
        for id in 0..5 {
            complete.push(id, 0, 0, &vec![DELIVERED; id as usize]);
        }
        // 4 words of header, 4 of the first send, 12 of the second: not yet those of the third.
        let mut frame = [0; 4 + 16 + 19];
        complete.take(&mut frame);
        assert_eq!((frame[1..5].to_vec(), frame[8]), (vec![80, 2, 3, 0], 1));
        complete.take(&mut frame[..4 + 19]);
        assert_eq!(frame[1..4], [(4 + 4 + 16) * 4, 0, 3]);
        complete.take(&mut []);
        let mut large = [0; 200];
        complete.take(&mut large);
        assert_eq!((large[1..5].to_vec(), large[24]), (vec![(4 + 20 + 28 + 36) * 4, 3, 0, 2], 3));
        complete.take(&mut large);
        assert_eq!(large[1..4], [16, 0, 0]);
    }

    #[test]
    fn memory_of_sends_that_were_taken_is_used_again() {
        let mut complete = CompleteSends::default();
        let mut frame = vec![0; 4 + 12 * 1000];
        let mut next = 0;
        for round in 0..100 {
            for id in 0..1000 {
                complete.push(round * 1000 + id, 0, 0, &[DELIVERED]);
            }
            // One more stays behind each time.
            complete.take(&mut frame[..4 + 12 * 999]);
            assert_eq!(frame[4], next);
            next += 999;
        }
        assert!(complete.words.len() < 2 * KEPT_WORDS);
    }
}
