//! Many messages in one allocation, so that one crossing between Rust and JavaScript carries them all.
//!
//! `lib/frame/layout.js` holds the same words under the same names. Every number is 32 bits, little-endian and aligned; a
//! 64-bit number is two words, low first. Lengths of -1 mean null.
//!
//! ```text
//! consume frame                           section (a run of one partition)   message descriptor
//! +--------------------------------+      0 topic id                         0,1 offset
//! | header: magic bytes messages   |      1 partition                        2,3 timestamp (ms, -1 none)
//! |   sections generation          |      2 first descriptor                 4   position of the bytes
//! |   descriptors sections-at  -   |      3 count                            5   key length
//! +--------------------------------+      4,5 high watermark (-1001 unknown) 6   value length
//! | bytes: key value headers, …    |      6 epoch of the last seek           7   headers length
//! +--------------------------------+      7 -                                8   leader epoch
//! | sections                       |      8,9 position, where it is further  9   timestamp type (1 create, 2 log append)
//! | descriptors                    |          than the last message, or -1
//! +--------------------------------+      header bytes: { name length, name, value length, value } …
//!
//! produce frame: header (magic bytes sends records), then per send: { id, topic id, records, - } and its records
//!   record: { partition (-1 any), -, timestamp lo, hi (0 now), key length, value length, headers length, headers count }
//!           key bytes, value bytes, header bytes, padded to a word
//! deliveries frame: header (magic, bytes or those needed for one send, sends, sends left), then per send: { id, error, failed, partitions }
//!   and per partition: { topic id, partition, base offset lo, hi, log append time lo, hi (-1 none), count, - }
//! ```

#![deny(unsafe_code)]

pub mod reader;
pub mod writer;

pub const CONSUME_MAGIC: i32 = 0x3143_4f4b;
pub const CONSUME_HEADER_WORDS: usize = 8;
pub const SECTION_WORDS: usize = 10;
pub const MESSAGE_WORDS: usize = 10;

pub const PRODUCE_MAGIC: i32 = 0x3150_4f4b;
pub const PRODUCE_HEADER_WORDS: usize = 4;
pub const SEND_WORDS: usize = 4;
pub const RECORD_WORDS: usize = 8;

pub const DELIVERIES_MAGIC: i32 = 0x3144_4f4b;
pub const DELIVERIES_HEADER_WORDS: usize = 4;
pub const DELIVERY_WORDS: usize = 4;
pub const DELIVERED_WORDS: usize = 8;

pub const NULL_LENGTH: i32 = -1;

/// No frame grows past this: positions are signed 32-bit numbers.
pub const MAX_FRAME_BYTES: usize = 1 << 30;

#[cfg(not(target_endian = "little"))]
compile_error!("frames are read in place by JavaScript as little-endian words");

/// Name and value of every constant, for the test that holds `lib/frame/layout.js` to this file.
pub fn constants() -> Vec<(&'static str, i32)> {
    vec![
        ("CONSUME_MAGIC", CONSUME_MAGIC),
        ("CONSUME_HEADER_WORDS", CONSUME_HEADER_WORDS as i32),
        ("SECTION_WORDS", SECTION_WORDS as i32),
        ("MESSAGE_WORDS", MESSAGE_WORDS as i32),
        ("PRODUCE_MAGIC", PRODUCE_MAGIC),
        ("PRODUCE_HEADER_WORDS", PRODUCE_HEADER_WORDS as i32),
        ("SEND_WORDS", SEND_WORDS as i32),
        ("RECORD_WORDS", RECORD_WORDS as i32),
        ("DELIVERIES_MAGIC", DELIVERIES_MAGIC),
        ("DELIVERIES_HEADER_WORDS", DELIVERIES_HEADER_WORDS as i32),
        ("DELIVERY_WORDS", DELIVERY_WORDS as i32),
        ("DELIVERED_WORDS", DELIVERED_WORDS as i32),
        ("NULL_LENGTH", NULL_LENGTH),
    ]
}
