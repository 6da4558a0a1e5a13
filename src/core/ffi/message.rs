//! Messages: fetched ones, and delivery reports, which librdkafka passes in the same struct.

use std::ffi::{c_int, c_void};
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

    /// Bytes that the headers of a fetched message take in its record; the number of headers is one of them, where there are
    /// none. Looks at what librdkafka noted, at no byte of the message: a hostile broker says where it ends.
    pub fn header_bytes(&self) -> usize {
        let whole = self.message.cast::<Whole>();
        // SAFETY: every message that librdkafka hands out begins a `rd_kafka_msg_t` (rdkafka_msg.h: `rd_kafka_message2msg`).
        // The union is read as what it is: of a producer's message it is something else, and an error has zeroes there.
        unsafe {
            match (*whole).flags & FROM_PRODUCER {
                0 => (*whole).headers_in_record.length.max(0) as usize,
                _ => 0,
            }
        }
    }

    /// The headers in order; names as the bytes that arrived.
    pub fn headers(&self) -> HeaderIter<'a> {
        let mut headers = std::ptr::null_mut();
        // To find out that there are none librdkafka makes a buffer and a reader for each message, which was a third of what
        // draining cost.
        if self.header_bytes() <= NO_HEADERS {
            return HeaderIter { headers, next: 0, owner: PhantomData };
        }
        // SAFETY: librdkafka parses them once and keeps them with the message.
        let code = super::code_of_err(unsafe { rd::rd_kafka_message_headers(self.message, &mut headers) });
        HeaderIter { headers: if code == 0 { headers } else { std::ptr::null_mut() }, next: 0, owner: PhantomData }
    }
}

/// A record without headers says so in one byte (KIP-98); one of an older format has none.
const NO_HEADERS: usize = 1;

/// librdkafka's own `rd_kafka_msg_t`, up to what a fetched message has. Its C headers do not give it away, so it is drawn again
/// here, for this very version; a test compares what it says with what librdkafka's functions say.
#[repr(C)]
struct Whole {
    message: rd::rd_kafka_message_t,
    link: [*mut c_void; 2],
    flags: c_int,
    timestamp_type: c_int,
    timestamp: i64,
    headers: *mut rd::rd_kafka_headers_t,
    status: c_int,
    broker: i32,
    headers_in_record: HeadersInRecord,
    leader_epoch: i32,
}

/// `rd_kafkap_bytes_t`.
#[repr(C)]
struct HeadersInRecord {
    length: i32,
    data: *const u8,
    more: [u8; 1],
}

/// `RD_KAFKA_MSG_F_PRODUCER`.
const FROM_PRODUCER: c_int = 0x4_0000;

const _: () = assert!(rd::RD_KAFKA_VERSION == 0x020c_01ff, "compare `Whole` with rdkafka_msg.h of the new version");

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

#[cfg(test)]
mod tests {
    use super::*;

    impl Message<'_> {
        /// Asserts that `Whole` is where librdkafka's own functions find the same, and gives back the number of headers.
        pub fn compare(&self) -> usize {
            let whole = self.message.cast::<Whole>();
            // SAFETY: as in `header_bytes`, here and below.
            let headers_now = || unsafe { (*whole).headers };
            unsafe {
                assert_eq!(((*whole).timestamp, (*whole).timestamp_type), self.timestamp());
                assert_eq!((*whole).leader_epoch, self.leader_epoch());
                assert_eq!((*whole).broker, rd::rd_kafka_message_broker_id(self.message));
                assert_eq!((*whole).status, rd::rd_kafka_message_status(self.message) as c_int);
            }
            assert!(headers_now().is_null());
            let said = self.header_bytes();
            let mut headers = std::ptr::null_mut();
            let code = super::super::code_of_err(unsafe { rd::rd_kafka_message_headers(self.message, &mut headers) });
            assert_eq!(code == 0, said > NO_HEADERS);
            assert_eq!(headers_now(), headers);
            let mut parsed = 0;
            if code == 0 {
                let all = HeaderIter { headers, next: 0, owner: PhantomData };
                // Each has two lengths, of one byte as long as it is short.
                let bytes: usize = all.map(|(name, value)| 2 + name.len() + value.map_or(0, <[u8]>::len)).sum();
                assert_eq!(said, 1 + bytes);
                parsed = unsafe { rd::rd_kafka_header_cnt(headers) };
            }
            parsed
        }
    }
}
