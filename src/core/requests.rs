//! Requests to brokers, for the instrumentation events. While nobody listens a request costs one atomic load and nothing crosses.
//!
//! librdkafka tells of each request that was sent, and of what became of it, without saying which one that was: the correlation id
//! in `on_response_received` is always 0, and an answer that is handed to another thread is told a second time there
//! (`rd_kafka_buf_callback`, called again by `rd_kafka_buf_handle_op`). Both are put right by keeping, on each broker's own
//! thread, what is in flight there: brokers answer the requests of a connection in order, and only that thread sends.

#![deny(unsafe_code)]

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::error::codes;
use super::event::{Event, EventSink};
use super::ffi::metadata::BrokerMetadata;
use super::producer::lock;

/// What JavaScript listens to: the bits of `observe(mask)`.
pub mod wanted {
    /// Every request that was answered.
    pub const ANSWERS: u32 = 1;
    /// Every request that was not answered in time.
    pub const TIMEOUTS: u32 = 2;
    /// How many requests are in flight, whenever that changes.
    pub const QUEUE_SIZES: u32 = 4;
    /// Answers to the heartbeats of a group member.
    pub const HEARTBEATS: u32 = 8;
    /// Fetch requests that were sent, and their answers.
    pub const FETCHES: u32 = 16;
    /// Who leads the group (`joins.rs`): no request is looked at for that.
    pub const LEADER: u32 = 32;

    pub const ANY_REQUEST: u32 = ANSWERS | TIMEOUTS | QUEUE_SIZES;
    pub const REQUESTS: u32 = ANY_REQUEST | HEARTBEATS | FETCHES;
}

/// Numbers of the Kafka protocol.
mod api {
    pub const FETCH: i16 = 1;
    pub const HEARTBEAT: i16 = 12;
    pub const API_VERSIONS: i16 = 18;
    pub const CONSUMER_GROUP_HEARTBEAT: i16 = 68;
}

/// More than that wait for JavaScript only when its event loop stands still; what comes then is not told.
const MOST_PENDING: usize = 10_000;
/// How late a thread may note what librdkafka's clock says, in microseconds.
const TOLERANCE: i64 = 5_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    Sent,
    Answered,
    /// No answer in time; also what was in flight on a connection that was closed for that.
    Timeout,
    /// The connection went, or the client is closed.
    Failed,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub fate: Fate,
    pub api_key: i16,
    pub api_version: i16,
    pub correlation_id: i32,
    /// `host:port`.
    pub broker: String,
    /// -1 for a broker of which only the address is known.
    pub node_id: i32,
    /// Milliseconds since 1970.
    pub sent_at: u64,
    /// Milliseconds; 0 unless answered.
    pub duration: u64,
    /// Bytes of the answer; 0 unless answered.
    pub size: usize,
    /// Requests in flight to this broker, after this.
    pub in_flight: usize,
}

/// What librdkafka says of a request that it has sent.
pub struct Sent<'a> {
    pub api_key: i16,
    pub api_version: i16,
    pub correlation_id: i32,
    /// librdkafka's name of the broker: `host:9092/bootstrap`, `SASL_SSL://host:9092/1`, or a coordinator's: `GroupCoordinator`.
    pub broker: &'a [u8],
    pub node_id: i32,
}

/// What librdkafka says of the end of a request.
pub struct Received<'a> {
    /// As in `Sent`, but a coordinator's with the node id: `GroupCoordinator/1`.
    pub broker: &'a [u8],
    pub api_key: i16,
    pub api_version: i16,
    pub size: usize,
    /// Microseconds from sending to the answer, negative when there was none.
    pub rtt: i64,
    pub code: i32,
}

/// What one client's requests are told to. Called on librdkafka's broker threads; never blocks them for long.
pub struct Observer {
    mask: AtomicU32,
    /// Counts the beginnings of observation: what a thread noted under an older one is void.
    epoch: AtomicU64,
    /// When the mask changed last, in microseconds since `start`.
    since: AtomicU64,
    start: Instant,
    /// How many records were ever made.
    made: AtomicU32,
    pending: Mutex<Vec<Record>>,
    /// `host:port` by node id: the coordinator's connection has a name of its own.
    nodes: Mutex<HashMap<i32, String>>,
    sink: Arc<dyn EventSink>,
}

#[derive(Default)]
struct Lane {
    epoch: u64,
    in_flight: VecDeque<InFlight>,
    /// What librdkafka called the broker when `broker` was made of it.
    name: Vec<u8>,
    /// The broker's connection is that of a coordinator, which has no address in its name.
    is_coordinator: bool,
    /// `host:port`; empty while it is not known.
    broker: String,
    node_id: i32,
}

struct InFlight {
    api_key: i16,
    api_version: i16,
    correlation_id: i32,
    /// Microseconds since the observer's `start`.
    instant: i64,
    sent_at: u64,
}

thread_local! {
    /// Of the broker whose thread this is: librdkafka has one for each.
    static LANE: RefCell<Lane> = RefCell::default();
}

impl Observer {
    pub fn new(sink: Arc<dyn EventSink>) -> Arc<Observer> {
        Arc::new(Observer {
            mask: AtomicU32::new(0),
            epoch: AtomicU64::new(0),
            since: AtomicU64::new(0),
            start: Instant::now(),
            made: AtomicU32::new(0),
            pending: Mutex::default(),
            nodes: Mutex::default(),
            sink,
        })
    }

    /// Tells from now on what `mask` asks for (bits of `wanted`). Gives back how many records were made so far.
    pub fn observe(&self, mask: u32) -> u32 {
        let before = self.mask.load(Ordering::Relaxed);
        if mask != before {
            self.since.store(self.now() as u64, Ordering::Relaxed);
            if before & wanted::REQUESTS == 0 {
                self.epoch.fetch_add(1, Ordering::Relaxed);
            }
            self.mask.store(mask, Ordering::Release);
        }
        self.made.load(Ordering::Relaxed)
    }

    pub fn wants(&self, what: u32) -> bool {
        self.mask.load(Ordering::Relaxed) & what != 0
    }

    /// Where brokers are, as the cluster says.
    pub fn know(&self, brokers: &[BrokerMetadata]) {
        let mut nodes = lock(&self.nodes);
        for BrokerMetadata { node_id, host, port } in brokers {
            nodes.insert(*node_id, format!("{host}:{port}"));
        }
    }

    /// What was observed since the last time, for JavaScript.
    pub fn take(&self) -> Vec<Record> {
        std::mem::take(&mut *lock(&self.pending))
    }

    /// On the thread of the broker.
    pub fn sent(self: &Arc<Self>, sent: &Sent) {
        let mask = self.mask.load(Ordering::Acquire);
        if !is_observed(mask, sent.api_key) {
            return;
        }
        let _ = LANE.try_with(|lane| {
            let Ok(mut lane) = lane.try_borrow_mut() else { return };
            let epoch = self.epoch.load(Ordering::Relaxed);
            // Each connection begins with this request: of an older one nothing can be answered.
            if lane.epoch != epoch || sent.api_key == api::API_VERSIONS {
                lane.epoch = epoch;
                lane.in_flight.clear();
            }
            self.name(&mut lane, sent);
            let entry = InFlight {
                api_key: sent.api_key,
                api_version: sent.api_version,
                correlation_id: sent.correlation_id,
                instant: self.now(),
                sent_at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64),
            };
            let told = wanted::QUEUE_SIZES | if sent.api_key == api::FETCH { wanted::FETCHES } else { 0 };
            // Where a coordinator is, its first answer says.
            if mask & told != 0 && !lane.broker.is_empty() {
                let record = lane.record(&entry, Fate::Sent, lane.in_flight.len() + 1);
                self.tell(record);
            }
            lane.in_flight.push_back(entry);
        });
    }

    /// On the thread of the broker, and again on another one, where it is nobody's.
    pub fn received(self: &Arc<Self>, received: &Received) {
        let mask = self.mask.load(Ordering::Acquire);
        if !is_observed(mask, received.api_key) {
            return;
        }
        let fate = match received.code {
            codes::NO_ERROR => Fate::Answered,
            codes::TIMED_OUT => Fate::Timeout,
            // Never sent.
            codes::TIMED_OUT_QUEUE | codes::PURGE_QUEUE | codes::UNSUPPORTED_FEATURE => return,
            _ => Fate::Failed,
        };
        let _ = LANE.try_with(|lane| {
            let Ok(mut lane) = lane.try_borrow_mut() else { return };
            if lane.epoch != self.epoch.load(Ordering::Relaxed) {
                return;
            }
            let Some(entry) = self.answered(&mut lane, received) else { return };
            self.locate(&mut lane, received.broker);
            let told = match fate {
                Fate::Answered => match received.api_key {
                    api::FETCH => wanted::ANSWERS | wanted::FETCHES,
                    api::HEARTBEAT | api::CONSUMER_GROUP_HEARTBEAT => wanted::ANSWERS | wanted::HEARTBEATS,
                    _ => wanted::ANSWERS,
                },
                Fate::Timeout => wanted::TIMEOUTS,
                _ => 0,
            };
            if mask & (told | wanted::QUEUE_SIZES) != 0 {
                let mut record = lane.record(&entry, fate, lane.in_flight.len());
                if fate == Fate::Answered {
                    record.size = received.size;
                    record.duration = (received.rtt.max(0) as u64 + 500) / 1000;
                }
                self.tell(record);
            }
        });
    }

    /// Takes the request out of the lane that this is the end of.
    fn answered(&self, lane: &mut Lane, received: &Received) -> Option<InFlight> {
        let same = |entry: &InFlight| entry.api_key == received.api_key && entry.api_version == received.api_version;
        if received.code == codes::NO_ERROR && received.rtt < 0 {
            // No answer was asked for (acks 0): the end comes with the sending.
            let at = lane.in_flight.iter().rposition(same)?;
            return lane.in_flight.remove(at);
        }
        let at = lane.in_flight.iter().position(same)?;
        if received.rtt >= 0 {
            // One that was sent before anybody listened is not in the lane, and must not be taken for a later one.
            let sent = self.now() - received.rtt;
            let unseen = sent < self.since.load(Ordering::Relaxed) as i64;
            if unseen && (lane.in_flight[at].instant - sent).abs() > TOLERANCE {
                return None;
            }
        }
        lane.in_flight.remove(at)
    }

    fn tell(self: &Arc<Self>, record: Record) {
        self.made.fetch_add(1, Ordering::Relaxed);
        let first = {
            let mut pending = lock(&self.pending);
            if pending.len() >= MOST_PENDING {
                return;
            }
            pending.push(record);
            pending.len() == 1
        };
        // One crossing carries all that is there when JavaScript gets to it.
        if first {
            self.sink.emit(Event::Requests(Arc::clone(self)));
        }
    }

    /// Makes `host:port` of librdkafka's name, once for each name that a lane has.
    fn name(&self, lane: &mut Lane, sent: &Sent) {
        let name = String::from_utf8_lossy(sent.broker);
        let address = name.split_once("://").map_or(&*name, |(_, rest)| rest);
        let Some((address, _)) = address.rsplit_once('/') else {
            lane.is_coordinator = true;
            return;
        };
        if lane.name == sent.broker && lane.node_id == sent.node_id {
            return;
        }
        lane.name = sent.broker.to_vec();
        lane.node_id = sent.node_id;
        lane.broker = address.to_owned();
        if sent.node_id >= 0 {
            lock(&self.nodes).insert(sent.node_id, address.to_owned());
        }
    }

    /// Finds the address of a coordinator, whose name in an answer is `GroupCoordinator/1`.
    fn locate(&self, lane: &mut Lane, name: &[u8]) {
        if !lane.is_coordinator || lane.name == name {
            return;
        }
        let text = String::from_utf8_lossy(name);
        let node = text.rsplit_once('/').and_then(|(_, node)| node.parse().ok()).unwrap_or(-1);
        let Some(address) = lock(&self.nodes).get(&node).cloned() else {
            // Better than nothing, and looked for again with the next answer.
            lane.broker = text.into_owned();
            return;
        };
        lane.name = name.to_vec();
        lane.node_id = node;
        lane.broker = address;
    }

    fn now(&self) -> i64 {
        self.start.elapsed().as_micros() as i64
    }
}

impl Lane {
    fn record(&self, entry: &InFlight, fate: Fate, in_flight: usize) -> Record {
        Record {
            fate,
            api_key: entry.api_key,
            api_version: entry.api_version,
            correlation_id: entry.correlation_id,
            broker: self.broker.clone(),
            node_id: self.node_id,
            sent_at: entry.sent_at,
            duration: 0,
            size: 0,
            in_flight,
        }
    }
}

fn is_observed(mask: u32, api_key: i16) -> bool {
    mask & wanted::ANY_REQUEST != 0
        || match api_key {
            api::FETCH => mask & wanted::FETCHES != 0,
            api::HEARTBEAT | api::CONSUMER_GROUP_HEARTBEAT => mask & wanted::HEARTBEATS != 0,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counter(AtomicU32);

    impl EventSink for Counter {
        fn emit(&self, _: Event) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn observer(mask: u32) -> (Arc<Observer>, Arc<Counter>) {
        LANE.with(|lane| *lane.borrow_mut() = Lane::default());
        let counter = Arc::new(Counter(AtomicU32::new(0)));
        let observer = Observer::new(counter.clone());
        observer.observe(mask);
        (observer, counter)
    }

    fn send(observer: &Arc<Observer>, api_key: i16, correlation_id: i32) {
        send_to(observer, api_key, correlation_id, b"SASL_SSL://kafka:9092/3", 3);
    }

    fn send_to(observer: &Arc<Observer>, api_key: i16, correlation_id: i32, broker: &[u8], node_id: i32) {
        observer.sent(&Sent { api_key, api_version: 2, correlation_id, broker, node_id });
    }

    fn receive(observer: &Arc<Observer>, api_key: i16, rtt: i64, code: i32) {
        let size = if rtt < 0 { 0 } else { 77 };
        observer.received(&Received { broker: b"GroupCoordinator/1", api_key, api_version: 2, size, rtt, code });
    }

    fn seen(observer: &Arc<Observer>) -> Vec<(Fate, i16, i32)> {
        observer.take().iter().map(|record| (record.fate, record.api_key, record.correlation_id)).collect()
    }

    #[test]
    fn nothing_is_noted_while_nobody_listens() {
        let (observer, counter) = observer(0);
        send(&observer, 3, 1);
        receive(&observer, 3, 10, 0);
        assert_eq!(observer.observe(wanted::LEADER), 0);
        send(&observer, 1, 2);
        assert_eq!((observer.observe(0), counter.0.load(Ordering::Relaxed)), (0, 0));
        LANE.with(|lane| assert!(lane.borrow().in_flight.is_empty()));
    }

    #[test]
    fn answers_belong_to_the_oldest_request_of_their_kind() {
        let (observer, counter) = observer(wanted::ANSWERS);
        send(&observer, 0, 1);
        send(&observer, 3, 2);
        send(&observer, 0, 3);
        receive(&observer, 0, 2_400, 0);
        receive(&observer, 0, 900, 0);
        receive(&observer, 3, 10, 0);
        let records = observer.take();
        assert_eq!(records.iter().map(|record| record.correlation_id).collect::<Vec<_>>(), [1, 3, 2]);
        let first = &records[0];
        assert_eq!((&*first.broker, first.node_id, first.duration, first.size), ("kafka:9092", 3, 2, 77));
        assert!(first.sent_at > 1_700_000_000_000);
        // All three wait for one crossing; the next one begins another.
        assert_eq!(counter.0.load(Ordering::Relaxed), 1);
        receive(&observer, 3, 10, 0);
        assert!(observer.take().is_empty());
    }

    #[test]
    fn an_answer_told_again_on_another_thread_counts_once() {
        let (observer, _) = observer(wanted::ANSWERS);
        send(&observer, 11, 1);
        send(&observer, 11, 2);
        receive(&observer, 11, 10, 0);
        let other = Arc::clone(&observer);
        std::thread::spawn(move || receive(&other, 11, 10, 0)).join().unwrap();
        assert_eq!(seen(&observer), [(Fate::Answered, 11, 1)]);
    }

    #[test]
    fn timeouts_failures_and_sizes_are_told_to_those_who_ask() {
        let (observer, _) = observer(wanted::TIMEOUTS);
        for correlation_id in 1..=3 {
            send(&observer, 3, correlation_id);
        }
        receive(&observer, 3, -1, codes::TIMED_OUT_QUEUE);
        receive(&observer, 3, -1, codes::TIMED_OUT);
        receive(&observer, 3, -1, codes::TRANSPORT);
        receive(&observer, 3, 10, 0);
        assert_eq!(seen(&observer), [(Fate::Timeout, 3, 1)]);
        observer.observe(wanted::QUEUE_SIZES);
        send(&observer, 3, 4);
        send(&observer, 3, 5);
        receive(&observer, 3, -1, codes::TRANSPORT);
        receive(&observer, 3, 10, 0);
        assert_eq!(observer.take().iter().map(|record| record.in_flight).collect::<Vec<_>>(), [1, 2, 1, 0]);
    }

    #[test]
    fn a_request_without_answer_ends_with_its_sending() {
        let (observer, _) = observer(wanted::ANSWERS);
        send(&observer, 0, 1);
        send(&observer, 0, 2);
        receive(&observer, 0, -1, 0);
        assert_eq!(seen(&observer), [(Fate::Answered, 0, 2)]);
    }

    #[test]
    fn only_what_was_asked_for_is_followed() {
        let (observer, _) = observer(wanted::FETCHES | wanted::HEARTBEATS);
        for (api_key, correlation_id) in [(3, 1), (1, 2), (12, 3), (68, 4)] {
            send(&observer, api_key, correlation_id);
            receive(&observer, api_key, 10, 0);
        }
        let expected = [(Fate::Sent, 1, 2), (Fate::Answered, 1, 2), (Fate::Answered, 12, 3), (Fate::Answered, 68, 4)];
        assert_eq!(seen(&observer), expected);
    }

    #[test]
    fn an_answer_to_what_was_sent_before_anybody_listened_is_not_told() {
        let (observer, _) = observer(wanted::FETCHES);
        observer.observe(wanted::ANSWERS);
        send(&observer, 3, 2);
        // Sent long before.
        receive(&observer, 3, 3_600_000_000, 0);
        receive(&observer, 3, 10, 0);
        assert_eq!(seen(&observer), [(Fate::Answered, 3, 2)]);
    }

    #[test]
    fn a_new_connection_has_nothing_in_flight() {
        let (observer, _) = observer(wanted::ANSWERS);
        send(&observer, 3, 1);
        send(&observer, 18, 1);
        receive(&observer, 18, 10, 0);
        receive(&observer, 3, 10, 0);
        assert_eq!(seen(&observer), [(Fate::Answered, 18, 1)]);
    }

    #[test]
    fn the_coordinators_connection_has_the_address_of_its_node() {
        let (observer, _) = observer(wanted::ANSWERS);
        observer.know(&[BrokerMetadata { node_id: 1, host: "one".to_owned(), port: 9092 }]);
        let names: [(&[u8], i32); 2] = [(b"[::1]:9092/bootstrap", -1), (b"moved:9093/2", 2)];
        for (index, (name, node_id)) in names.into_iter().enumerate() {
            send_to(&observer, 3, index as i32, name, node_id);
            receive(&observer, 3, 10, 0);
        }
        LANE.with(|lane| *lane.borrow_mut() = Lane::default());
        observer.observe(wanted::ANSWERS | wanted::QUEUE_SIZES);
        for correlation_id in 2..4 {
            send_to(&observer, 3, correlation_id, b"GroupCoordinator", -1);
            receive(&observer, 3, 10, 0);
        }
        let records = observer.take();
        let brokers: Vec<_> = records.iter().map(|record| &*record.broker).collect();
        assert_eq!(brokers, ["[::1]:9092", "moved:9093", "one:9092", "one:9092", "one:9092"]);
        assert_eq!(records.last().map(|record| record.node_id), Some(1));
    }

    #[test]
    fn a_standing_event_loop_costs_bounded_memory() {
        let (observer, counter) = observer(wanted::ANSWERS);
        for correlation_id in 0..MOST_PENDING as i32 + 5 {
            send(&observer, 3, correlation_id);
            receive(&observer, 3, 10, 0);
        }
        assert_eq!((observer.take().len(), counter.0.load(Ordering::Relaxed)), (MOST_PENDING, 1));
    }
}
