//! A Kafka cluster inside this process, for tests: librdkafka's mock brokers, which speak the Kafka protocol over
//! real TCP on loopback ports. Any client can talk to them.

#![deny(unsafe_code)]

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{channel, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::error::{codes, KafkaError, KafkaResult};
use super::ffi::mock::{cannot_start, known_error, RawMockCluster};

/// More than any test needs; beyond it the process only runs out of sockets.
pub const MAX_BROKERS: i32 = 100;
/// librdkafka allocates every partition at once and aborts the process when memory runs out.
pub const MAX_PARTITIONS: i32 = 10_000;
/// 35 minutes: librdkafka counts this delay in microseconds of a C int, and a longer one would end at once.
pub const MAX_REBALANCE_DELAY: i32 = i32::MAX / 1000;
/// Stands for every broker where a broker id is asked for, and for none as leader or coordinator.
pub const ANY_BROKER: i32 = -1;

/// Dropping it closes every socket and joins every thread, which takes some milliseconds.
pub struct MockCluster {
    raw: RawMockCluster,
    /// Set when the cluster is dropped. Fields go in this order: this one helps while `raw` goes.
    closing: Option<Wake>,
    brokers: i32,
    bootstrap_servers: String,
    addresses: Vec<SocketAddr>,
    /// When the cluster's thread answered the last command. Held during a command: one at a time.
    last_command: Mutex<Instant>,
}

/// One pushed failure: librdkafka's code (0 = answer normally) and the answer's delay in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct PushedError {
    pub error: i32,
    pub delay: i32,
}

/// A request that a broker received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrackedRequest {
    pub broker: i32,
    pub api_key: i16,
    /// Microseconds of a monotonic clock that starts anywhere: differences mean something, the value does not.
    pub timestamp: i64,
}

impl MockCluster {
    /// Brokers get the ids 1 to `brokers`. `group_initial_rebalance_delay` is the broker property
    /// `group.initial.rebalance.delay.ms`: how long an empty group waits for more members.
    pub fn start(brokers: i32, group_initial_rebalance_delay: i32) -> KafkaResult<Self> {
        within("brokers", brokers, 1, MAX_BROKERS)?;
        within("groupInitialRebalanceDelay", group_initial_rebalance_delay, 0, MAX_REBALANCE_DELAY)?;
        check_sockets(brokers)?;
        let raw = RawMockCluster::start(brokers)?;
        raw.set_group_initial_rebalance_delay(group_initial_rebalance_delay);
        let bootstrap_servers = raw.bootstraps();
        let addresses = bootstrap_servers.split(',').filter_map(|address| address.parse().ok()).collect();
        let last_command = Mutex::new(Instant::now());
        Ok(MockCluster { raw, closing: None, brokers, bootstrap_servers, addresses, last_command })
    }

    /// `host:port,host:port`, in the order of the broker ids.
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }

    pub fn create_topic(&self, topic: &str, partitions: i32, replication_factor: i32) -> KafkaResult<()> {
        check_topic(topic)?;
        within("partitions", partitions, 1, MAX_PARTITIONS)?;
        within("replicationFactor", replication_factor, 1, self.brokers)?;
        self.command(|raw| raw.create_topic(topic, partitions, replication_factor)).map_err(|error| about(topic, error))
    }

    /// Closes the broker's connections and refuses new ones. Leaders stay where they are.
    pub fn set_broker_down(&self, broker: i32) -> KafkaResult<()> {
        self.check_broker("broker", broker)?;
        self.command(|raw| raw.set_broker_down(broker))
    }

    pub fn set_broker_up(&self, broker: i32) -> KafkaResult<()> {
        self.check_broker("broker", broker)?;
        self.command(|raw| raw.set_broker_up(broker))
    }

    /// Every answer of this broker waits so many milliseconds.
    pub fn set_latency(&self, broker: i32, ms: i32) -> KafkaResult<()> {
        self.check_broker("broker", broker)?;
        within("latency", ms, 0, i32::MAX)?;
        self.command(|raw| raw.set_latency(broker, ms))
    }

    /// The next requests of this API, to whichever broker, fail with these codes, one after another.
    pub fn push_request_errors(&self, api_key: i16, errors: &[i32]) -> KafkaResult<()> {
        let errors = errors.iter().map(|&code| injectable(code)).collect::<KafkaResult<Vec<_>>>()?;
        if !errors.is_empty() {
            self.raw.push_request_errors(api_key, &errors);
        }
        Ok(())
    }

    /// As `push_request_errors`, for one broker, and with delays. These go before the cluster's.
    pub fn push_broker_request_errors(&self, broker: i32, api_key: i16, errors: &[PushedError]) -> KafkaResult<()> {
        within("broker", broker, 1, self.brokers)?;
        // All or nothing: look at every entry before the first is pushed.
        for pushed in errors {
            injectable(pushed.error)?;
            within("delay", pushed.delay, 0, i32::MAX)?;
        }
        for pushed in errors {
            self.raw.push_broker_request_error(broker, api_key, injectable(pushed.error)?, pushed.delay)?;
        }
        Ok(())
    }

    /// Forgets what `push_request_errors` left over. Errors pushed to one broker stay: librdkafka cannot take them
    /// back.
    pub fn clear_request_errors(&self, api_key: i16) {
        self.raw.clear_request_errors(api_key);
    }

    /// A topic that does not exist is created. -1 leaves the partition without a leader.
    pub fn set_leader(&self, topic: &str, partition: i32, broker: i32) -> KafkaResult<()> {
        check_topic(topic)?;
        within("partition", partition, 0, i32::MAX)?;
        self.check_broker("broker", broker)?;
        let set = self.command(|raw| raw.set_leader(topic, partition, broker));
        set.map_err(|error| about(&format!("{topic} [{partition}]"), error))
    }

    /// Metadata and AddPartitionsToTxn answer with this error for the topic until it is set to 0. A topic that does
    /// not exist is created.
    pub fn set_topic_error(&self, topic: &str, error: i32) -> KafkaResult<()> {
        check_topic(topic)?;
        let error = injectable(error)?;
        self.command(|raw| raw.set_topic_error(topic, error))
    }

    /// `kind` is `group` or `transaction`; -1 makes the coordinator unavailable.
    pub fn set_coordinator(&self, kind: &str, key: &str, broker: i32) -> KafkaResult<()> {
        if !matches!(kind, "group" | "transaction") {
            return Err(KafkaError::invalid_argument(format!("type must be 'group' or 'transaction', not {kind:?}")));
        }
        self.check_broker("broker", broker)?;
        self.command(|raw| raw.set_coordinator(kind, key, broker))
    }

    /// Forgets earlier requests and records from now on.
    pub fn start_request_tracking(&self) {
        self.raw.start_request_tracking();
    }

    /// Stops recording and returns what was recorded, because librdkafka forgets it here.
    pub fn stop_request_tracking(&self) -> Vec<TrackedRequest> {
        let requests = self.requests();
        self.raw.stop_request_tracking();
        requests
    }

    /// What was received since tracking began or was cleared, oldest first.
    pub fn requests(&self) -> Vec<TrackedRequest> {
        let tracked = |raw: super::ffi::mock::RawRequest| TrackedRequest {
            broker: raw.broker,
            api_key: raw.api_key,
            timestamp: raw.timestamp,
        };
        self.raw.requests().into_iter().map(tracked).collect()
    }

    pub fn clear_requests(&self) {
        self.raw.clear_requests();
    }

    /// Has the cluster's own thread do something, and waits for it.
    fn command<T>(&self, call: impl FnOnce(&RawMockCluster) -> T) -> T {
        let mut last = self.last_command.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(early) = COMMAND_SPACING.checked_sub(last.elapsed()) {
            thread::sleep(early);
        }
        let wake = Wake::start(self.addresses.clone());
        let answer = call(&self.raw);
        drop(wake);
        *last = Instant::now();
        answer
    }

    fn check_broker(&self, name: &str, broker: i32) -> KafkaResult<()> {
        if broker == ANY_BROKER {
            return Ok(());
        }
        within(name, broker, 1, self.brokers)
    }
}

impl Drop for MockCluster {
    fn drop(&mut self) {
        self.closing = Some(Wake::start(std::mem::take(&mut self.addresses)));
    }
}

/// After it answered a command, the cluster's thread empties its wake-up pipe: a command that comes at this very
/// moment loses its wake-up and lies there until the poll times out, up to a second. Commands keep this distance, so
/// that it does not happen...
const COMMAND_SPACING: Duration = Duration::from_millis(1);
/// ...and where it happens nevertheless (a busy machine), a connection to any broker wakes the thread after this
/// time.
const WAKE_AFTER: Duration = Duration::from_millis(3);

/// While it lives, the cluster's thread is woken every `WAKE_AFTER`. Only with every broker down can that not be
/// done.
struct Wake {
    done: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Wake {
    fn start(addresses: Vec<SocketAddr>) -> Self {
        let (done, is_done) = channel::<()>();
        let wake = move || {
            while is_done.recv_timeout(WAKE_AFTER) == Err(RecvTimeoutError::Timeout) {
                // A connection that is opened and closed: no request, so nothing that a test could see.
                let _ = addresses.iter().any(|address| TcpStream::connect_timeout(address, WAKE_AFTER).is_ok());
            }
        };
        // Without the thread the command works too, only perhaps later.
        let thread = thread::Builder::new().name("mock-wake".into()).spawn(wake).ok();
        Wake { done: Some(done), thread }
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.done = None; // disconnects the channel, which ends the thread
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// When a socket is missing librdkafka aborts the process while it cleans up, so it is found out here first.
fn check_sockets(brokers: i32) -> KafkaResult<()> {
    const SPARE: i32 = 16; // wake-up pipes and the first connections
    let sockets = (0..brokers + SPARE).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let opened: Result<Vec<_>, _> = sockets.collect();
    match opened {
        Ok(_) => Ok(()),
        Err(error) => Err(cannot_start(&format!("{brokers} loopback sockets cannot be opened: {error}"))),
    }
}

fn within(name: &str, value: i32, least: i32, most: i32) -> KafkaResult<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(KafkaError::invalid_argument(format!("{name} must be from {least} to {most}, not {value}")))
}

/// Kafka's own rule for topic names.
fn check_topic(topic: &str) -> KafkaResult<()> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if (1..=249).contains(&topic.len()) && topic != "." && topic != ".." && topic.chars().all(legal) {
        return Ok(());
    }
    Err(KafkaError::invalid_argument(format!(
        "topic must be 1 to 249 letters, digits, '.', '_' or '-', and not '.' or '..'; got {topic:?}"
    )))
}

/// librdkafka's sentence does not say of what it speaks.
fn about(subject: &str, error: KafkaError) -> KafkaError {
    KafkaError::new(error.code, format!("{subject}: {}", error.message))
}

/// A broker's error, or ERR__TRANSPORT, on which the mock broker closes the connection. The client's other local
/// codes never come from a broker.
fn injectable(code: i32) -> KafkaResult<rdkafka::bindings::rd_kafka_resp_err_t> {
    let from_broker = code >= -1 || code == codes::TRANSPORT;
    known_error(code).filter(|_| from_broker).ok_or_else(|| {
        KafkaError::invalid_argument(format!(
            "{code} is no error that a broker sends; use a Kafka error code from -1 up, or {} to close the connection",
            codes::TRANSPORT
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVALID_ARG: i32 = codes::INVALID_ARG;

    fn code<T>(result: KafkaResult<T>) -> i32 {
        result.err().map_or(0, |error| error.code)
    }

    #[test]
    fn every_broker_listens_until_the_cluster_is_dropped() {
        let cluster = MockCluster::start(3, 0).unwrap();
        let servers = cluster.bootstrap_servers().to_owned();
        let addresses: Vec<&str> = servers.split(',').collect();
        assert_eq!(addresses.len(), 3);
        for address in &addresses {
            TcpStream::connect(address).unwrap();
        }
        drop(cluster);
        for address in &addresses {
            assert!(TcpStream::connect(address).is_err(), "{address} still listens");
        }
    }

    #[test]
    fn a_broker_that_is_down_refuses_and_keeps_its_port() {
        let cluster = MockCluster::start(1, 0).unwrap();
        let address = cluster.bootstrap_servers().to_owned();
        cluster.set_broker_down(1).unwrap();
        assert!(TcpStream::connect(&address).is_err());
        cluster.set_broker_up(1).unwrap();
        TcpStream::connect(&address).unwrap();
    }

    #[test]
    fn a_topic_is_created_once() {
        let cluster = MockCluster::start(2, 0).unwrap();
        cluster.create_topic("orders", 3, 2).unwrap();
        let again = cluster.create_topic("orders", 3, 2).unwrap_err();
        assert_eq!(again.name, "ERR_TOPIC_ALREADY_EXISTS");
        assert!(again.message.contains("orders"));
        cluster.set_leader("orders", 2, 1).unwrap();
        assert_eq!(cluster.set_leader("orders", 3, 1).unwrap_err().name, "ERR_UNKNOWN_TOPIC_OR_PART");
    }

    #[test]
    fn arguments_out_of_range_are_named() {
        assert_eq!(code(MockCluster::start(0, 0)), INVALID_ARG);
        assert_eq!(code(MockCluster::start(MAX_BROKERS + 1, 0)), INVALID_ARG);
        assert_eq!(code(MockCluster::start(1, -1)), INVALID_ARG);
        assert_eq!(code(MockCluster::start(1, MAX_REBALANCE_DELAY + 1)), INVALID_ARG);
        let cluster = MockCluster::start(2, 0).unwrap();
        for (result, word) in [
            (cluster.create_topic("", 1, 1), "topic"),
            (cluster.create_topic("a b", 1, 1), "topic"),
            (cluster.create_topic("a\0b", 1, 1), "topic"),
            (cluster.create_topic("a", 0, 1), "partitions"),
            (cluster.create_topic("a", i32::MAX, 1), "partitions"),
            (cluster.create_topic("a", 1, 3), "replicationFactor"),
            (cluster.set_broker_down(3), "broker"),
            (cluster.set_broker_up(0), "broker"),
            (cluster.set_latency(1, -5), "latency"),
            (cluster.set_leader("a", -1, 1), "partition"),
            (cluster.set_coordinator("share", "k", 1), "type"),
            (cluster.set_coordinator("group", "k\0", 1), "NUL"),
            (cluster.push_broker_request_errors(ANY_BROKER, 0, &[]), "broker"),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.code, INVALID_ARG);
            assert!(error.message.contains(word), "{}", error.message);
        }
    }

    #[test]
    fn only_errors_that_a_broker_sends_can_be_pushed() {
        let cluster = MockCluster::start(1, 0).unwrap();
        cluster.push_request_errors(0, &[-1, 0, 7, codes::TRANSPORT]).unwrap();
        for wrong in [codes::TIMED_OUT, 99_999, -2] {
            assert_eq!(code(cluster.push_request_errors(0, &[7, wrong])), INVALID_ARG);
            assert_eq!(code(cluster.set_topic_error("t", wrong)), INVALID_ARG);
            let pushed = PushedError { error: wrong, delay: 0 };
            assert_eq!(code(cluster.push_broker_request_errors(1, 0, &[pushed])), INVALID_ARG);
        }
    }

    /// Without spacing and waking, nearly every one of these takes a second.
    #[test]
    fn commands_in_a_row_do_not_wait_for_the_threads_poll_to_time_out() {
        let cluster = MockCluster::start(1, 0).unwrap();
        let (done, is_done) = channel();
        thread::spawn(move || {
            for _ in 0..400 {
                cluster.set_latency(1, 0).unwrap();
            }
            drop(cluster);
            done.send(())
        });
        is_done.recv_timeout(Duration::from_secs(30)).expect("400 commands within the deadline");
    }

    /// The cluster's thread must not die of an interrupted poll: it inherits a mask in which every signal is blocked.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_clusters_thread_takes_no_signals() {
        let _cluster = MockCluster::start(1, 0).unwrap();
        let blocked = |status: &str| {
            let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap().trim().to_owned();
            u64::from_str_radix(&mask, 16).unwrap()
        };
        let mut seen = 0;
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        // A thread gives itself its name, when it first runs.
        while seen == 0 && std::time::Instant::now() < deadline {
            for thread in std::fs::read_dir("/proc/self/task").unwrap() {
                let Ok(status) = std::fs::read_to_string(thread.unwrap().path().join("status")) else { continue };
                if status.starts_with("Name:\trdk:mock") {
                    seen += 1;
                    let sigusr1_and_sigchld = 1 << 9 | 1 << 16;
                    assert_eq!(blocked(&status) & sigusr1_and_sigchld, sigusr1_and_sigchld);
                }
            }
            std::thread::yield_now();
        }
        assert!(seen >= 1);
    }
}
