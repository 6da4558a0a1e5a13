//! Messages: fetched ones, and delivery reports, which librdkafka passes in the same struct.

use std::ffi::c_void;
use std::marker::PhantomData;

use rdkafka::bindings as rd;

use super::{code_of_field, owned_string};

/// A message that somebody else owns.
pub struct Message<'a> {
    message: *const rd::rd_kafka_message_t,
    owner: PhantomData<&'a ()>,
}

impl<'a> Message<'a> {
    /// # Safety
    /// `message` is valid for `'a`.
    pub(super) unsafe fn borrowed(message: *const rd::rd_kafka_message_t) -> Message<'a> {
        Message { message, owner: PhantomData }
    }

    pub fn code(&self) -> i32 {
        // SAFETY: valid message, here and below.
        unsafe { code_of_field(std::ptr::addr_of!((*self.message).err)) }
    }

    /// The broker's or librdkafka's own words about the error.
    pub fn error_text(&self) -> Option<String> {
        unsafe { owned_string(rd::rd_kafka_message_errstr(self.message)) }
    }

    /// Tells topics apart without reading the name. Only while messages of the topic are at hand: the memory can be reused.
    pub fn topic_token(&self) -> usize {
        unsafe { (*self.message).rkt as usize }
    }

    pub fn topic(&self) -> String {
        unsafe {
            let topic = (*self.message).rkt;
            if topic.is_null() {
                return String::new();
            }
            owned_string(rd::rd_kafka_topic_name(topic)).unwrap_or_default()
        }
    }

    pub fn partition(&self) -> i32 {
        unsafe { (*self.message).partition }
    }

    pub fn offset(&self) -> i64 {
        unsafe { (*self.message).offset }
    }

    pub fn key(&self) -> Option<&'a [u8]> {
        unsafe { bytes((*self.message).key, (*self.message).key_len) }
    }

    pub fn value(&self) -> Option<&'a [u8]> {
        unsafe { bytes((*self.message).payload, (*self.message).len) }
    }

    /// What `produce` was given.
    pub fn opaque(&self) -> u64 {
        unsafe { (*self.message)._private as usize as u64 }
    }

    /// Milliseconds since the epoch or -1, and the type: 0 none, 1 create time, 2 log append time.
    pub fn timestamp(&self) -> (i64, i32) {
        let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        let timestamp = unsafe { rd::rd_kafka_message_timestamp(self.message, &mut kind) };
        (timestamp, kind as i32)
    }

    pub fn leader_epoch(&self) -> i32 {
        unsafe { rd::rd_kafka_message_leader_epoch(self.message) }
    }

    /// Whether this surely has none. To find that out librdkafka makes a buffer and a reader for each message, which was a
    /// third of what draining cost. In a record batch of format 2, and only there is a leader epoch, the number of headers
    /// follows the value (KIP-98), and librdkafka hands out values where they lie in what was received or decompressed, but
    /// for empty ones (rdkafka_msgset_reader.c: `rd_kafka_msgset_reader_msg_v2`).
    fn has_no_headers(&self) -> bool {
        let (value, length) = unsafe { ((*self.message).payload.cast::<u8>(), (*self.message).len) };
        // SAFETY: brokers take no record that ends with its value, so a byte follows in the same buffer.
        !value.is_null() && length > 0 && self.leader_epoch() >= 0 && unsafe { *value.add(length) } == 0
    }

    /// The headers in order; names as the bytes that arrived.
    pub fn headers(&self) -> HeaderIter<'a> {
        let mut headers = std::ptr::null_mut();
        if self.has_no_headers() {
            return HeaderIter { headers, next: 0, owner: PhantomData };
        }
        // SAFETY: librdkafka parses them once and keeps them with the message.
        let code = super::code_of_err(unsafe { rd::rd_kafka_message_headers(self.message, &mut headers) });
        HeaderIter { headers: if code == 0 { headers } else { std::ptr::null_mut() }, next: 0, owner: PhantomData }
    }
}

unsafe fn bytes<'a>(pointer: *mut c_void, length: usize) -> Option<&'a [u8]> {
    // An empty value has a pointer, a null one has none.
    (!pointer.is_null()).then(|| unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), length) })
}

pub struct HeaderIter<'a> {
    headers: *mut rd::rd_kafka_headers_t,
    next: usize,
    owner: PhantomData<&'a ()>,
}

impl<'a> Iterator for HeaderIter<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.headers.is_null() {
            return None;
        }
        let (mut name, mut value, mut size) = (std::ptr::null(), std::ptr::null(), 0);
        // SAFETY: the headers live as long as their message.
        unsafe {
            let err = rd::rd_kafka_header_get_all(self.headers, self.next, &mut name, &mut value, &mut size);
            if super::code_of_err(err) != 0 || name.is_null() {
                return None;
            }
            self.next += 1;
            Some((std::ffi::CStr::from_ptr(name).to_bytes(), bytes(value.cast_mut(), size)))
        }
    }
}

/// An array of fetched messages, destroyed when the next ones come or with this value.
pub struct Messages {
    array: Vec<*mut rd::rd_kafka_message_t>,
}

// SAFETY: the messages are owned; librdkafka lets any thread destroy them.
unsafe impl Send for Messages {}

impl Messages {
    pub fn with_capacity(capacity: usize) -> Messages {
        Messages { array: Vec::with_capacity(capacity) }
    }

    pub(super) fn fill(
        &mut self,
        limit: usize,
        take: impl FnOnce(*mut *mut rd::rd_kafka_message_t, usize) -> isize,
    ) -> usize {
        self.clear();
        let limit = limit.min(self.array.capacity());
        let count = take(self.array.as_mut_ptr(), limit);
        let count = usize::try_from(count).unwrap_or(0).min(limit);
        // SAFETY: `take` wrote `count` pointers.
        unsafe { self.array.set_len(count) };
        count
    }

    pub fn capacity(&self) -> usize {
        self.array.capacity()
    }

    pub fn iter(&self) -> impl Iterator<Item = Message<'_>> {
        // SAFETY: owned by this array, valid until cleared, which needs `&mut self`.
        self.array.iter().map(|&message| unsafe { Message::borrowed(message) })
    }

    pub fn clear(&mut self) {
        for message in self.array.drain(..) {
            // SAFETY: owned, destroyed once.
            unsafe { rd::rd_kafka_message_destroy(message) };
        }
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.clear();
    }
}
