//! Queues, the events on them, and draining fetched messages from them.

use std::ffi::c_void;
use std::sync::Arc;

use rdkafka::bindings as rd;

use super::client::on_wake;
use super::{owned_string, raw, Client, Message, Messages, PartitionList};
use crate::core::error::KafkaError;

pub struct Queue {
    queue: *mut rd::rd_kafka_queue_t,
    /// Keeps the handle until its queues are gone.
    client: Arc<Client>,
    waking: bool,
}

// SAFETY: librdkafka locks its queues.
unsafe impl Send for Queue {}
unsafe impl Sync for Queue {}

impl Queue {
    pub(super) fn own(client: &Arc<Client>, queue: *mut rd::rd_kafka_queue_t) -> Queue {
        Queue { queue, client: Arc::clone(client), waking: false }
    }

    pub(crate) fn raw(&self) -> *mut rd::rd_kafka_queue_t {
        self.queue
    }

    /// Calls `Callbacks::wake` whenever this queue goes from empty to not empty. What is on it already wakes nobody:
    /// drain once after this.
    pub fn enable_wake(&mut self) {
        self.waking = true;
        // SAFETY: the opaque lives as long as the handle, which outlives this queue.
        unsafe { rd::rd_kafka_queue_cb_event_enable(self.queue, Some(on_wake), self.client.callbacks_pointer()) };
    }

    /// Everything that would arrive here arrives at `target`.
    pub fn forward(&self, target: &Queue) {
        // SAFETY: both queues are valid; librdkafka counts the reference.
        unsafe { rd::rd_kafka_queue_forward(self.queue, target.queue) };
    }

    /// The next event, without waiting. Serving the queue counts as a poll for `max.poll.interval.ms`.
    pub fn poll(&self) -> Option<Event> {
        // SAFETY: valid queue; the event is ours.
        let event = unsafe { rd::rd_kafka_queue_poll(self.queue, 0) };
        (!event.is_null()).then_some(Event(event))
    }

    /// As `poll`, but waits. Only for a queue that nothing else serves.
    pub fn wait(&self, timeout_ms: i32) -> Option<Event> {
        // SAFETY: as above.
        let event = unsafe { rd::rd_kafka_queue_poll(self.queue, timeout_ms) };
        (!event.is_null()).then_some(Event(event))
    }

    /// Takes up to `limit` fetched messages without waiting. Only for a queue that partitions are forwarded to: on the
    /// consumer queue librdkafka would answer rebalances by itself.
    pub fn drain(&self, messages: &mut Messages, limit: usize) -> usize {
        messages.fill(limit, |array, size| {
            // SAFETY: `array` has room for `size` pointers.
            unsafe { rd::rd_kafka_consume_batch_queue(self.queue, 0, array, size) }
        })
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: valid queue, ours; the callback is taken off first, so nothing calls it afterwards.
        unsafe {
            if self.waking {
                rd::rd_kafka_queue_cb_event_enable(self.queue, None, std::ptr::null_mut());
            }
            rd::rd_kafka_queue_destroy(self.queue);
        }
    }
}

/// An event from a queue, destroyed with this value.
pub struct Event(*mut rd::rd_kafka_event_t);

/// What the rest of `core` tells apart.
pub enum EventKind {
    Deliveries,
    Error,
    /// A message that carries an error of one partition, or an end of partition.
    Fetch,
    Rebalance,
    OffsetCommit,
    Statistics,
    TokenRefresh,
    /// The result of an admin request.
    Result,
    Other,
}

impl Event {
    pub(crate) fn raw(&self) -> *mut rd::rd_kafka_event_t {
        self.0
    }

    pub fn kind(&self) -> EventKind {
        // SAFETY: valid event, here and below.
        match unsafe { rd::rd_kafka_event_type(self.0) } {
            rd::RD_KAFKA_EVENT_DR => EventKind::Deliveries,
            rd::RD_KAFKA_EVENT_ERROR => EventKind::Error,
            rd::RD_KAFKA_EVENT_FETCH => EventKind::Fetch,
            rd::RD_KAFKA_EVENT_REBALANCE => EventKind::Rebalance,
            rd::RD_KAFKA_EVENT_OFFSET_COMMIT => EventKind::OffsetCommit,
            rd::RD_KAFKA_EVENT_STATS => EventKind::Statistics,
            rd::RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH => EventKind::TokenRefresh,
            rd::RD_KAFKA_EVENT_CREATETOPICS_RESULT
            | rd::RD_KAFKA_EVENT_DELETETOPICS_RESULT
            | rd::RD_KAFKA_EVENT_CREATEPARTITIONS_RESULT
            | rd::RD_KAFKA_EVENT_ALTERCONFIGS_RESULT
            | rd::RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT
            | rd::RD_KAFKA_EVENT_DELETERECORDS_RESULT
            | rd::RD_KAFKA_EVENT_DELETEGROUPS_RESULT
            | rd::RD_KAFKA_EVENT_CREATEACLS_RESULT
            | rd::RD_KAFKA_EVENT_DESCRIBEACLS_RESULT
            | rd::RD_KAFKA_EVENT_DELETEACLS_RESULT
            | rd::RD_KAFKA_EVENT_LISTCONSUMERGROUPS_RESULT
            | rd::RD_KAFKA_EVENT_DESCRIBECONSUMERGROUPS_RESULT
            | rd::RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT
            | rd::RD_KAFKA_EVENT_ALTERCONSUMERGROUPOFFSETS_RESULT
            | rd::RD_KAFKA_EVENT_LISTOFFSETS_RESULT => EventKind::Result,
            _ => EventKind::Other,
        }
    }

    pub fn code(&self) -> i32 {
        unsafe { raw::rd_kafka_event_error(self.0) }
    }

    /// The error that this event is or carries.
    pub fn error(&self) -> KafkaError {
        let text = unsafe { owned_string(rd::rd_kafka_event_error_string(self.0)) };
        let mut error = KafkaError::from_code(self.code());
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            error.message = text;
        }
        // Of another kind of event librdkafka reads this from what is something else there (rdkafka_event.c).
        if matches!(self.kind(), EventKind::Error) {
            error.fatal |= unsafe { rd::rd_kafka_event_error_is_fatal(self.0) } != 0;
        }
        error
    }

    pub fn statistics(&self) -> String {
        unsafe { owned_string(rd::rd_kafka_event_stats(self.0)) }.unwrap_or_default()
    }

    pub fn token_config(&self) -> String {
        unsafe { owned_string(rd::rd_kafka_event_config_string(self.0)) }.unwrap_or_default()
    }

    /// What the request was given, see `Queue`'s users.
    pub fn opaque(&self) -> u64 {
        unsafe { rd::rd_kafka_event_opaque(self.0) as usize as u64 }
    }

    /// The partitions of a rebalance or commit.
    pub fn partitions(&self) -> Vec<super::Partition> {
        // SAFETY: the list belongs to the event and is only read here.
        let list = unsafe { rd::rd_kafka_event_topic_partition_list(self.0) };
        PartitionList::read(list)
    }

    /// The topic and partition that an error event names.
    pub fn partition(&self) -> Option<(String, i32)> {
        // SAFETY: a copy that we destroy.
        unsafe {
            let partition = rd::rd_kafka_event_topic_partition(self.0);
            if partition.is_null() {
                return None;
            }
            let found = owned_string((*partition).topic).map(|topic| (topic, (*partition).partition));
            rd::rd_kafka_topic_partition_destroy(partition);
            found
        }
    }

    /// The messages of a delivery report or fetch event.
    pub fn each_message(&self, mut visit: impl FnMut(&Message)) {
        loop {
            let message = unsafe { rd::rd_kafka_event_message_next(self.0) };
            if message.is_null() {
                return;
            }
            // SAFETY: owned by the event, valid until it is destroyed.
            visit(&unsafe { Message::borrowed(message) });
        }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: valid event, ours.
        unsafe { rd::rd_kafka_event_destroy(self.0) }
    }
}

/// A number as the opaque pointer of a request.
pub(crate) fn opaque(number: u64) -> *mut c_void {
    number as usize as *mut c_void
}
