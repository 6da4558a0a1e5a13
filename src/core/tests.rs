//! Producer and consumer against the mock cluster, without JavaScript.

use std::sync::atomic::AtomicI64;
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::admin::Admin;
use super::config::Config;
use super::consumer::{Command, Consumer, Subscription};
use super::error::{codes, KafkaResult};
use super::event::{Done, Event, EventSink, RebalanceKind};
use super::fetch::{Fetched, Fetcher, FrameLimits, Partitions, TopicNames};
use super::ffi::admin::Request;
use super::ffi::{Client, Kind, Messages, Partition, Queue};
use super::mock::MockCluster;
use super::producer::Producer;
use super::session::Session;
use crate::frame::reader::tests::{encode, OwnedRecord};
use crate::frame::DELIVERED_WORDS;

const DEADLINE: Duration = Duration::from_secs(30);

struct Channel(Mutex<Sender<Event>>);

impl EventSink for Channel {
    fn emit(&self, event: Event) {
        let _ = self.0.lock().unwrap().send(event);
    }
}

fn sink() -> (Arc<dyn EventSink>, Receiver<Event>) {
    let (sender, receiver) = channel();
    (Arc::new(Channel(Mutex::new(sender))), receiver)
}

/// Calls something that answers later, and waits for the answer.
#[track_caller]
fn wait<T: Send + 'static>(call: impl FnOnce(Done<T>)) -> KafkaResult<T> {
    let (sender, receiver) = channel();
    call(Box::new(move |outcome| drop(sender.send(outcome))));
    match receiver.recv_timeout(DEADLINE) {
        Ok(outcome) => outcome,
        Err(_) => panic!("no answer in time"),
    }
}

fn producer(bootstrap: &str, properties: &[(&str, &str)]) -> (Arc<Producer>, Receiver<Event>) {
    let (sink, events) = sink();
    let all = [("bootstrap.servers", bootstrap)].into_iter().chain(properties.iter().copied());
    (Arc::new(Producer::new(Config::from_iter(all), sink).unwrap()), events)
}

fn words(frame: &[u8]) -> Vec<i32> {
    frame.chunks_exact(4).map(|word| i32::from_le_bytes(word.try_into().unwrap())).collect()
}

/// Send id to its error, until `count` sends are complete.
#[track_caller]
fn outcomes(producer: &Producer, events: &Receiver<Event>, count: usize) -> Vec<(i32, i32)> {
    let end = Instant::now() + DEADLINE;
    let mut found = Vec::new();
    while found.len() < count {
        let left = end.saturating_duration_since(Instant::now());
        if let Event::Deliveries = events.recv_timeout(left).expect("deliveries in time") {
            // So short that most events stand for several frames.
            let mut frame = vec![0; 32];
            loop {
                producer.take_deliveries(&mut frame);
                if frame[2] == 0 && frame[1] as usize > frame.len() * 4 {
                    frame.resize(frame[1] as usize / 4, 0);
                    continue;
                }
                let mut at = 4;
                for _ in 0..frame[2] {
                    found.push((frame[at], frame[at + 1]));
                    at += 4 + DELIVERED_WORDS * frame[at + 3] as usize;
                }
                if frame[3] == 0 {
                    break;
                }
            }
        }
    }
    found
}

fn record(partition: i32, number: u32) -> OwnedRecord {
    // Every way of handing over: in a batch, with headers, with a timestamp.
    let headers = if number.is_multiple_of(3) { vec![(b"h".to_vec(), None)] } else { vec![] };
    let timestamp = if number.is_multiple_of(5) { 1_700_000_000_000 } else { 0 };
    (partition, timestamp, None, Some(number.to_string().into_bytes()), headers)
}

#[test]
fn a_full_queue_holds_records_back_and_keeps_their_order() {
    let cluster = MockCluster::start(1, 0).unwrap();
    cluster.create_topic("t", 2, 1).unwrap();
    let small = [("queue.buffering.max.messages", "10"), ("linger.ms", "0"), ("enable.idempotence", "true")];
    let (producer, events) = producer(cluster.bootstrap_servers(), &small);
    wait(|done| producer.connect(10_000, done)).unwrap();
    let topic = producer.topic("t", Vec::new()) as i32;
    let mut number = 0;
    for send in 0..20 {
        // Two sends of a frame, so that a walk stops and resumes inside and between sends.
        let mut records = |partition| (0..25).map(|_| (number, number += 1).0).map(|n| record(partition, n)).collect();
        let sends = vec![(send * 2, topic, records(0)), (send * 2 + 1, topic, records(1))];
        producer.submit(&encode(&sends)).unwrap();
    }
    let mut complete = outcomes(&producer, &events, 40);
    complete.sort_unstable();
    assert_eq!(complete, (0..40).map(|send| (send, 0)).collect::<Vec<_>>());
    wait(|done| producer.flush(10_000, done)).unwrap();
    wait(|done| producer.close(5_000, done)).unwrap();

    let values = consume(&cluster, "t", 1000);
    for partition in 0..2 {
        let of = |value: &u32| (value / 25) % 2 == partition;
        let expected: Vec<u32> = (0..1000).filter(of).collect();
        assert_eq!(values.iter().copied().filter(of).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_send_that_was_complete_before_the_queue_was_full_is_not_begun_again() {
    let cluster = MockCluster::start(1, 0).unwrap();
    cluster.create_topic("t", 1, 1).unwrap();
    let (producer, events) = producer(cluster.bootstrap_servers(), &[("queue.buffering.max.messages", "10")]);
    wait(|done| producer.connect(10_000, done)).unwrap();
    // Such a long name gets no handle, so that its send is complete at once.
    let (none, topic) = (producer.topic(&"n".repeat(600), Vec::new()) as i32, producer.topic("t", Vec::new()) as i32);
    let records = (0..100).map(|number| record(0, number)).collect();
    producer.submit(&encode(&[(1, none, vec![record(0, 0)]), (2, topic, records)])).unwrap();
    assert_eq!(outcomes(&producer, &events, 2), [(1, codes::UNKNOWN_TOPIC), (2, 0)]);
    wait(|done| producer.flush(1_000, done)).unwrap();
    wait(|done| producer.close(5_000, done)).unwrap();
}

/// Joins a group and reads `count` messages, in the order of their partitions.
fn consume(cluster: &MockCluster, topic: &str, count: usize) -> Vec<u32> {
    let (sink, events) = sink();
    let properties = [
        ("bootstrap.servers", cluster.bootstrap_servers()),
        ("group.id", "readers"),
        ("enable.auto.commit", "false"),
        ("fetch.queue.backoff.ms", "10"),
    ];
    let limits = FrameLimits { bytes: 1024, messages: 7 };
    let consumer = Arc::new(Consumer::new(Config::from_iter(properties), limits, sink).unwrap());
    wait(|done| consumer.connect(10_000, done)).unwrap();
    let subscription = vec![Subscription { topic: topic.to_owned(), from_beginning: true }];
    wait(|done| consumer.command(Command::Subscribe(subscription, done))).unwrap();
    consumer.request(2);
    let end = Instant::now() + DEADLINE;
    let mut values = Vec::new();
    let mut frames = 0;
    while values.len() < count {
        match events.recv_timeout(end.saturating_duration_since(Instant::now())).expect("messages in time") {
            Event::Rebalance(rebalance) => {
                assert_eq!(rebalance.kind, RebalanceKind::Assign);
                let partitions = rebalance.partitions.iter().map(|p| Partition::new(&p.topic, p.partition)).collect();
                wait(|done| consumer.command(Command::Assign(rebalance.generation, partitions, done))).unwrap();
            }
            Event::Frame(frame) => {
                let bytes = frame.bytes();
                let words = words(bytes);
                assert!(words[2] <= 7, "a frame of {} messages", words[2]);
                for message in 0..words[2] as usize {
                    let at = words[5] as usize / 4 + message * 10;
                    let (position, length) = (words[at + 4] as usize, words[at + 6] as usize);
                    values.push(std::str::from_utf8(&bytes[position..position + length]).unwrap().parse().unwrap());
                }
                frames += 1;
                consumer.request(1);
            }
            _ => {}
        }
    }
    assert!(frames > count / 7, "{frames} frames");
    let committed = vec![Partition::at(topic, 0, 5)];
    wait(|done| consumer.command(Command::Commit(committed.clone(), done))).unwrap();
    let read = wait(|done| consumer.committed(vec![Partition::new(topic, 0)], 5_000, done)).unwrap();
    assert_eq!(read[0].offset, 5);
    wait(|done| consumer.close(5_000, done)).unwrap();
    values
}

/// Sends `records` to partition 0 of a new topic "t".
fn produce(cluster: &MockCluster, records: Vec<OwnedRecord>) {
    cluster.create_topic("t", 1, 1).unwrap();
    let (producer, events) = producer(cluster.bootstrap_servers(), &[]);
    wait(|done| producer.connect(10_000, done)).unwrap();
    let topic = producer.topic("t", Vec::new()) as i32;
    producer.submit(&encode(&[(1, topic, records)])).unwrap();
    assert_eq!(outcomes(&producer, &events, 1), [(1, 0)]);
    wait(|done| producer.close(5_000, done)).unwrap();
}

/// Partition 0 of "t" from its beginning, and what holds it.
fn fetching(cluster: &MockCluster) -> (Arc<Client>, [Queue; 2]) {
    let properties = [("bootstrap.servers", cluster.bootstrap_servers()), ("group.id", "fetching")];
    let client = Client::new(Kind::Consumer, &Config::from_iter(properties), Session::new(sink().0)).unwrap();
    let messages = client.new_queue();
    let partition = client.partition_queue("t", 0).unwrap();
    partition.forward(&messages);
    client.assign(&[Partition::at("t", 0, 0)]).unwrap();
    (client, [messages, partition])
}

#[test]
fn what_librdkafka_notes_of_headers_is_where_we_look_for_it() {
    let header = |name: &str, value: Option<&[u8]>| (name.as_bytes().to_vec(), value.map(<[u8]>::to_vec));
    let some = Some(b"some".to_vec());
    let records = [
        (some.clone(), some.clone(), vec![]),
        (some.clone(), some.clone(), vec![header("a", Some(b"b"))]),
        (None, some.clone(), vec![]),
        (None, some.clone(), vec![header("", Some(b"")), header("null", None)]),
        (some.clone(), None, vec![]),
        (some.clone(), None, vec![header("a", None)]),
        (None, Some(vec![]), vec![]),
        (None, Some(vec![]), vec![header("a", None), header("a", Some(&[0; 40])), header("b", Some(b"1"))]),
        // As if the number of headers were part of the value.
        (None, Some(vec![0; 3]), vec![header("a", None)]),
        (some, Some(vec![0; 3]), vec![]),
    ];
    let counts: Vec<usize> = records.iter().map(|(_, _, headers)| headers.len()).collect();
    let cluster = MockCluster::start(1, 0).unwrap();
    let timed = records.into_iter().map(|(key, value, headers)| (0, 1_700_000_000_000, key, value, headers));
    produce(&cluster, timed.collect());

    let (client, [queue, partition]) = fetching(&cluster);
    let mut messages = Messages::with_capacity(counts.len());
    let mut found = Vec::new();
    let end = Instant::now() + DEADLINE;
    while found.len() < counts.len() && Instant::now() < end {
        queue.drain(&mut messages, counts.len());
        found.extend(messages.iter().filter(|message| message.code() == 0).map(|message| message.compare()));
    }
    assert_eq!(found, counts);
    drop((messages, queue, partition, client));
}

struct Nothing;

impl Partitions for Nothing {
    fn high_watermark(&self, _: &str, _: i32) -> i64 {
        -1
    }

    fn epoch(&self, _: &str, _: i32) -> i32 {
        0
    }

    fn position(&self, _: &str, _: i32) -> Option<Arc<AtomicI64>> {
        None
    }
}

#[test]
fn headers_count_for_how_large_a_frame_becomes() {
    let cluster = MockCluster::start(1, 0).unwrap();
    let record = |_| (0, 0, None, Some(vec![1]), vec![(b"h".to_vec(), Some(vec![2; 1000]))]);
    produce(&cluster, (0..30).map(record).collect());

    let (client, [queue, partition]) = fetching(&cluster);
    let mut fetcher = Fetcher::new(FrameLimits { bytes: 2000, messages: 100 }, TopicNames::default());
    let mut counts = Vec::new();
    let end = Instant::now() + DEADLINE;
    while counts.iter().sum::<i32>() < 30 && Instant::now() < end {
        for fetched in fetcher.fetch(&queue, 0, &Nothing) {
            if let Fetched::Frame(frame) = fetched {
                counts.push(words(frame.bytes())[2]);
            }
        }
    }
    assert_eq!(counts.iter().sum::<i32>(), 30);
    assert!(counts.iter().all(|count| *count <= 2), "{counts:?}");
    drop((fetcher, queue, partition, client));
}

#[test]
fn what_cannot_be_delivered_fails_when_the_producer_is_closed() {
    let cluster = MockCluster::start(1, 0).unwrap();
    cluster.create_topic("t", 1, 1).unwrap();
    let small = [("queue.buffering.max.messages", "10")];
    let (producer, events) = producer(cluster.bootstrap_servers(), &small);
    wait(|done| producer.connect(10_000, done)).unwrap();
    let topic = producer.topic("t", Vec::new()) as i32;
    cluster.set_broker_down(1).unwrap();
    let records = (0..100).map(|number| record(-1, number)).collect();
    producer.submit(&encode(&[(1, topic, records), (2, topic, vec![record(-1, 0)])])).unwrap();
    wait(|done| producer.close(200, done)).unwrap();
    let mut failed = outcomes(&producer, &events, 2);
    failed.sort_unstable();
    assert_eq!(failed.iter().map(|(send, _)| *send).collect::<Vec<_>>(), [1, 2]);
    assert!(failed.iter().all(|(_, error)| [-152, -151].contains(error)), "{failed:?}");
}

#[test]
fn a_record_for_a_partition_that_is_not_there_fails_alone_and_flush_still_ends() {
    let cluster = MockCluster::start(1, 0).unwrap();
    cluster.create_topic("t", 1, 1).unwrap();
    let (producer, events) = producer(cluster.bootstrap_servers(), &[]);
    wait(|done| producer.connect(10_000, done)).unwrap();
    let topic = producer.topic("t", Vec::new()) as i32;
    // Known first: only then can librdkafka tell.
    producer.submit(&encode(&[(1, topic, vec![record(0, 1)])])).unwrap();
    assert_eq!(outcomes(&producer, &events, 1), [(1, 0)]);
    producer.submit(&encode(&[(2, topic, vec![record(7, 1)]), (3, topic, vec![record(0, 1)])])).unwrap();
    let mut complete = outcomes(&producer, &events, 2);
    complete.sort_unstable();
    assert_eq!(complete, [(2, codes::UNKNOWN_PARTITION), (3, 0)]);
    wait(|done| producer.flush(5_000, done)).unwrap();
    wait(|done| producer.close(5_000, done)).unwrap();
}

#[test]
fn connecting_to_nobody_ends_with_the_reason() {
    let (producer, _events) = producer("127.0.0.1:1", &[]);
    let error = wait(|done| producer.connect(500, done)).unwrap_err();
    assert_eq!(error.code, codes::TRANSPORT, "{error}");
    assert!(error.message.contains("Connection refused"), "{error}");
}

#[test]
fn closing_ends_a_connect_that_is_under_way() {
    let (producer, _events) = producer("127.0.0.1:1", &[]);
    let (sender, receiver) = channel();
    producer.connect(60_000, Box::new(move |outcome| drop(sender.send(outcome))));
    wait(|done| producer.close(0, done)).unwrap();
    let error = receiver.recv_timeout(DEADLINE).expect("an answer in time").unwrap_err();
    assert_eq!(error.code, codes::DESTROY, "{error}");
}

const INIT_PRODUCER_ID: i16 = 22;

#[test]
fn a_transaction_holds_its_messages_and_tells_what_it_failed_by() {
    let cluster = MockCluster::start(1, 0).unwrap();
    cluster.create_topic("t", 1, 1).unwrap();
    let (producer, events) = producer(cluster.bootstrap_servers(), &[("transactional.id", "id")]);
    wait(|done| producer.connect(10_000, done)).unwrap();
    assert_eq!(wait(|done| producer.begin_transaction(done)).unwrap_err().code, codes::STATE);
    // CONCURRENT_TRANSACTIONS: the transaction of a twin that crashed is being aborted.
    cluster.push_request_errors(INIT_PRODUCER_ID, &[51, 51]).unwrap();
    wait(|done| producer.init_transactions(20_000, done)).unwrap();
    wait(|done| producer.begin_transaction(done)).unwrap();
    let topic = producer.topic("t", vec![("compression.codec".into(), "gzip".into())]) as i32;
    producer.submit(&encode(&[(1, topic, vec![record(0, 0)])])).unwrap();
    assert_eq!(outcomes(&producer, &events, 1), [(1, 0)]);
    wait(|done| producer.transaction_failure(done)).unwrap();
    wait(|done| producer.commit_transaction(20_000, done)).unwrap();

    wait(|done| producer.begin_transaction(done)).unwrap();
    cluster.push_request_errors(0, &[10]).unwrap();
    producer.submit(&encode(&[(2, topic, vec![record(0, 1)])])).unwrap();
    assert_eq!(outcomes(&producer, &events, 1), [(2, 10)]);
    let failure = wait(|done| producer.transaction_failure(done)).unwrap_err();
    assert_eq!((failure.code, failure.abortable, failure.fatal), (10, true, false));
    assert!(wait(|done| producer.commit_transaction(20_000, done)).unwrap_err().abortable);
    wait(|done| producer.abort_transaction(20_000, done)).unwrap();
    wait(|done| producer.begin_transaction(done)).unwrap();
    wait(|done| producer.abort_transaction(20_000, done)).unwrap();
    wait(|done| producer.close(5_000, done)).unwrap();
}

#[test]
fn a_close_ends_a_transactional_call_that_waits_for_the_coordinator() {
    let cluster = MockCluster::start(1, 0).unwrap();
    let (producer, _events) = producer(cluster.bootstrap_servers(), &[("transactional.id", "id")]);
    wait(|done| producer.connect(10_000, done)).unwrap();
    cluster.set_coordinator("transaction", "id", -1).unwrap();
    let (sender, receiver) = channel();
    producer.init_transactions(600_000, Box::new(move |outcome| drop(sender.send(outcome))));
    wait(|done| producer.close(0, done)).unwrap();
    assert!(receiver.recv_timeout(DEADLINE).expect("an answer in time").is_err());
}

#[test]
fn a_handle_that_cannot_be_made_leaves_nothing_behind() {
    let bad = [("security.protocol", "ssl"), ("ssl.ca.location", "/nowhere/ca.pem")];
    for _ in 0..50 {
        let (producer, _events) = producer("127.0.0.1:1", &bad);
        let error = wait(|done| producer.connect(10_000, done)).unwrap_err();
        assert!(error.message.contains("ssl.ca.location"), "{error}");
    }
}

fn list_offsets(topic: &str) -> Request {
    let partitions = serde_json::json!([{ "topic": topic, "partition": 0, "timestamp": "-1" }]);
    serde_json::from_value(serde_json::json!({ "operation": "listOffsets", "partitions": partitions })).unwrap()
}

#[test]
fn an_admin_request_may_be_given_more_time_than_librdkafka_counts() {
    let cluster = MockCluster::start(1, 0).unwrap();
    cluster.create_topic("t", 1, 1).unwrap();
    let (sink, _events) = sink();
    let config = Config::from_iter([("bootstrap.servers", cluster.bootstrap_servers())]);
    let admin = Arc::new(Admin::new(config, sink).unwrap());
    wait(|done| admin.connect(10_000, done)).unwrap();
    let answer = wait(|done| admin.request(list_offsets("t"), u32::MAX, done)).unwrap();
    assert_eq!(answer[0]["offset"], "0", "{answer}");
    wait(|done| admin.close(done)).unwrap();
}
