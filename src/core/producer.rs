//! The produce path: frames in, records to librdkafka, delivery reports folded and out.

#![deny(unsafe_code)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};

use super::config::Config;
use super::delivery::{Sends, Tag};
use super::error::{codes, KafkaError, KafkaResult};
use super::event::{Done, Event, EventSink, Token};
use super::ffi::metadata::{Metadata, Scope};
use super::ffi::{Client, EventKind, Kind, ProduceBatch, Queue, Topic};
use super::runtime;
use super::session::{disconnected, Session};
use super::topics::{Named, Names};
use crate::frame::reader::{Cursor, Step};

pub struct Producer {
    config: Config,
    session: Arc<Session>,
    names: Mutex<Names>,
    /// Also of a handle that is gone: what is complete is still to be taken.
    sends: Arc<Mutex<Sends>>,
    link: Mutex<Option<Link>>,
}

#[derive(Clone)]
struct Link {
    core: Arc<ProducerCore>,
    commands: UnboundedSender<Command>,
}

enum Command {
    /// `until`: how many sends had begun.
    Flush {
        until: u64,
        deadline: Instant,
        done: Done<()>,
    },
    Close {
        patience: Duration,
        done: Done<()>,
    },
    Abandon,
}

impl Producer {
    /// Checks the properties; opens nothing.
    pub fn new(config: Config, sink: Arc<dyn EventSink>) -> KafkaResult<Producer> {
        super::ffi::client::check_config(&config)?;
        let largest = config.number("message.max.bytes", 1_000_000);
        if config.number("queue.buffering.max.kbytes", 1_048_576).saturating_mul(1024) < largest {
            // librdkafka says "queue full" of such a message for ever, also when the queue is empty.
            return Err(KafkaError::invalid_argument(format!(
                "queue.buffering.max.kbytes must hold at least one message of message.max.bytes ({largest} bytes)"
            )));
        }
        Ok(Producer {
            config,
            session: Session::new(sink),
            names: Mutex::default(),
            sends: Arc::default(),
            link: Mutex::default(),
        })
    }

    /// Opens the handle and waits for a broker.
    pub fn connect(self: &Arc<Self>, timeout_ms: u32, done: Done<()>) {
        let producer = Arc::clone(self);
        runtime::blocking(move || done(producer.open(timeout_ms)));
    }

    fn open(&self, timeout_ms: u32) -> KafkaResult<()> {
        if lock(&self.link).is_some() {
            return Ok(());
        }
        let client = Client::new(Kind::Producer, &self.config, self.session.clone())?;
        let mut main = client.main_queue();
        main.enable_wake();
        // What came before the wake-up was enabled wakes nobody.
        self.session.wake.notify_one();
        let core = Arc::new(ProducerCore {
            client: Arc::clone(&client),
            session: Arc::clone(&self.session),
            topics: Mutex::default(),
            lane: Mutex::default(),
            sends: Arc::clone(&self.sends),
            flushing: AtomicBool::new(false),
        });
        let (commands, receiver) = unbounded_channel();
        let link = Link { core: Arc::clone(&core), commands };
        self.session.run(EventLoop::new(core, main).run(receiver))?;
        let attached = self.session.attach(&client, &self.config);
        let ready = attached.and_then(|()| self.session.wait_ready(&client, timeout_ms));
        drop(client);
        let mut slot = lock(&self.link);
        // Under the lock: a close either finds the link or has cancelled before.
        if ready.is_ok() && !self.session.is_cancelled() {
            *slot = Some(link);
            return Ok(());
        }
        drop(slot);
        drop(link.commands.send(Command::Abandon));
        ready.and(Err(disconnected()))
    }

    /// What JavaScript listens to from now on, bits of `requests::wanted`. Gives back how many requests were observed so far.
    pub fn observe(&self, mask: u32) -> u32 {
        self.session.observer.observe(mask)
    }

    /// The first call for a topic says its properties, such as its compression.
    pub fn topic(&self, name: &str, properties: Vec<(String, String)>) -> u32 {
        lock(&self.names).id(name, properties)
    }

    pub fn topic_name(&self, id: u32) -> Option<String> {
        self.named(id).map(|named| named.topic)
    }

    fn named(&self, id: u32) -> Option<Named> {
        lock(&self.names).get(id)
    }

    /// Takes a produce frame. What librdkafka's queue has no room for waits here and follows as reports come in.
    pub fn submit(&self, frame: &[u8]) -> KafkaResult<()> {
        let link = self.link()?;
        let cursor = Cursor::new(frame).map_err(|bad| KafkaError::invalid_argument(bad.0))?;
        let mut lane = lock(&link.core.lane);
        let mut walk = cursor;
        let names = |id| self.named(id);
        if !lane.waiting.is_empty() {
            link.core.announce(frame, cursor, &names);
            lane.waiting.push_back(Waiting { frame: frame.to_vec(), cursor });
            return Ok(());
        }
        match link.core.walk(frame, &mut walk, &mut lane.batch, &names) {
            Walk::Done => {}
            Walk::QueueFull => {
                // What the walk has passed is begun, and may be complete already.
                link.core.announce(frame, walk, &names);
                lane.waiting.push_back(Waiting { frame: frame.to_vec(), cursor: walk });
            }
        }
        drop(lane);
        // Records refused at once complete their send without any report to wake the loop.
        if lock(&self.sends).has_untold() {
            self.session.wake.notify_one();
        }
        Ok(())
    }

    /// Writes a deliveries frame of the oldest sends that are complete, as many as fit. Once `Event::Deliveries` came there is
    /// none until all are taken.
    pub fn take_deliveries(&self, frame: &mut [i32]) {
        lock(&self.sends).take_complete(frame);
    }

    pub fn metadata(&self, topic: &str, timeout_ms: u32, done: Done<Metadata>) {
        let topic = topic.to_owned();
        match self.link() {
            Err(error) => done(Err(error)),
            Ok(link) => {
                let id = self.topic(&topic, Vec::new());
                match link.core.topic(id, &|id| self.named(id)) {
                    None => done(Err(KafkaError::invalid_argument(format!("{topic:?} is no legal topic name")))),
                    Some(topic) => runtime::blocking(move || {
                        let timeout_ms = timeout_ms.min(i32::MAX as u32) as i32;
                        done(link.core.client.metadata(Scope::Topic(&topic), timeout_ms));
                    }),
                }
            }
        }
    }

    /// Answers when every send submitted so far is complete.
    pub fn flush(&self, timeout_ms: u32, done: Done<()>) {
        match self.link() {
            Err(error) => done(Err(error)),
            Ok(link) => {
                link.core.stop_lingering(timeout_ms);
                let deadline = Instant::now() + Duration::from_millis(timeout_ms.into());
                let until = lock(&link.core.sends).begun();
                send(&link.commands, Command::Flush { until, deadline, done });
            }
        }
    }

    /// Waits for what is under way as long as reports keep coming (`patience_ms` without any ends it), fails the rest,
    /// destroys the handle. Closing what is not open is fine.
    pub fn close(&self, patience_ms: u32, done: Done<()>) {
        self.session.cancel();
        match lock(&self.link).take() {
            None => done(Ok(())),
            Some(Link { core, commands }) => {
                let patience = Duration::from_millis(patience_ms.into());
                // Whatever flush is under way may end sooner.
                core.flushing.store(false, Ordering::Release);
                core.stop_lingering(patience_ms);
                // The last hold on the handle must not be this thread's: destroying it joins threads.
                drop(core);
                send(&commands, Command::Close { patience, done });
            }
        }
    }

    /// Answers an `Event::TokenRefresh`.
    pub fn token(&self, token: Result<Token, String>, done: Done<()>) {
        self.session.token(token, done);
    }

    /// Gives everything up at once, without waiting: the environment is going away.
    pub fn abandon(&self) {
        self.session.cancel();
        if let Some(Link { core, commands }) = lock(&self.link).take() {
            drop(core);
            send(&commands, Command::Abandon);
        }
    }

    /// Fails what waits for room, and nothing that librdkafka has.
    pub(super) fn fail_waiting(&self, code: i32) -> KafkaResult<()> {
        self.link()?.core.fail_waiting(code);
        self.session.wake.notify_one();
        Ok(())
    }

    pub(super) fn client(&self) -> KafkaResult<(Arc<Client>, Arc<Session>)> {
        Ok((Arc::clone(&self.link()?.core.client), Arc::clone(&self.session)))
    }

    fn link(&self) -> KafkaResult<Link> {
        lock(&self.link).clone().ok_or_else(|| KafkaError::state("The producer is not connected"))
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// A command for a loop that has ended is answered by that fact.
fn send(commands: &UnboundedSender<Command>, command: Command) {
    if let Err(refused) = commands.send(command) {
        match refused.0 {
            Command::Flush { done, .. } => done(Err(KafkaError::from_code(codes::DESTROY))),
            Command::Close { done, .. } => done(Ok(())),
            Command::Abandon => {}
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct ProducerCore {
    client: Arc<Client>,
    session: Arc<Session>,
    topics: Mutex<Vec<Option<Arc<Topic>>>>,
    /// Held while records are handed over, so that sends keep their order.
    lane: Mutex<Lane>,
    sends: Arc<Mutex<Sends>>,
    /// A thread waits in `rd_kafka_flush`.
    flushing: AtomicBool,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Waiting>,
    batch: ProduceBatch,
}

struct Waiting {
    frame: Vec<u8>,
    cursor: Cursor,
}

enum Walk {
    Done,
    /// The cursor stands before the first record that found no room.
    QueueFull,
}

impl ProducerCore {
    /// Hands over the records of `frame` from `cursor` on.
    fn walk(
        &self,
        frame: &[u8],
        cursor: &mut Cursor,
        batch: &mut ProduceBatch,
        names: &dyn Fn(u32) -> Option<Named>,
    ) -> Walk {
        // Where the batch began, and its topic.
        let mut begin = *cursor;
        let mut batch_topic: Option<Arc<Topic>> = None;
        let mut topic: Option<(u32, Arc<Topic>)> = None;
        loop {
            let before = *cursor;
            // A frame is written by this package and bounds-checked: a bad one ends here and its sends never complete
            // twice; the frame tests keep this from happening.
            let Ok(step) = cursor.step(frame) else {
                return self.flush_batch(batch, batch_topic.take(), frame, begin, cursor);
            };
            match step {
                Step::End => return self.flush_batch(batch, batch_topic.take(), frame, begin, cursor),
                Step::Send(send) => {
                    lock(&self.sends).begin(send.id, send.records);
                    let id = send.topic as u32;
                    if topic.as_ref().map(|(known, _)| *known) != Some(id) {
                        if let Walk::QueueFull = self.flush_batch(batch, batch_topic.take(), frame, begin, cursor) {
                            return Walk::QueueFull;
                        }
                        topic = self.topic(id, names).map(|topic| (id, topic));
                    }
                }
                Step::Record(send, record) => {
                    let tag = Tag { send: send.id, topic: send.topic as u32 };
                    if topic.as_ref().map(|(known, _)| *known) != Some(tag.topic) {
                        // A walk that resumes in the middle of a send.
                        topic = self.topic(tag.topic, names).map(|topic| (tag.topic, topic));
                    }
                    let Some((_, topic)) = &topic else {
                        lock(&self.sends).report(tag, record.partition, -1, codes::UNKNOWN_TOPIC);
                        continue;
                    };
                    let suits = ProduceBatch::suits(&record);
                    let fits = suits && batch.has_room(record.partition);
                    if !fits && !batch.is_empty() {
                        let mut after = before;
                        if let Walk::QueueFull = self.flush_batch(batch, batch_topic.take(), frame, begin, &mut after) {
                            *cursor = after;
                            return Walk::QueueFull;
                        }
                    }
                    if suits {
                        if batch.is_empty() {
                            begin = before;
                            batch_topic = Some(Arc::clone(topic));
                        }
                        batch.push(&record, tag.pack());
                        continue;
                    }
                    match topic.produce(&record, tag.pack()) {
                        Ok(()) => {}
                        Err(codes::QUEUE_FULL) => {
                            *cursor = before;
                            return Walk::QueueFull;
                        }
                        Err(code) => lock(&self.sends).report(tag, record.partition, -1, code),
                    }
                }
            }
        }
    }

    /// Hands the batch over. When the queue is full, `cursor` is set back to the first record that found no room.
    fn flush_batch(
        &self,
        batch: &mut ProduceBatch,
        topic: Option<Arc<Topic>>,
        frame: &[u8],
        begin: Cursor,
        cursor: &mut Cursor,
    ) -> Walk {
        let Some(topic) = topic else { return Walk::Done };
        let mut first_refused = None;
        batch.flush(&topic, |index, opaque, code| {
            if code == codes::QUEUE_FULL {
                first_refused.get_or_insert(index);
            } else {
                lock(&self.sends).report(Tag::unpack(opaque), -1, -1, code);
            }
        });
        let Some(accepted) = first_refused else { return Walk::Done };
        *cursor = begin;
        let mut skipped = 0;
        while skipped < accepted {
            match cursor.step(frame) {
                Ok(Step::Record(..)) => skipped += 1,
                Ok(Step::Send(_)) => {}
                Ok(Step::End) | Err(_) => break,
            }
        }
        Walk::QueueFull
    }

    /// librdkafka sends at once what would linger as long as a flush is under way. One thread waits in it, however many ask.
    fn stop_lingering(self: &Arc<Self>, timeout_ms: u32) {
        if self.flushing.swap(true, Ordering::AcqRel) {
            return;
        }
        let core = Arc::clone(self);
        runtime::blocking(move || {
            core.client.flush(timeout_ms.min(i32::MAX as u32) as i32);
            core.flushing.store(false, Ordering::Release);
        });
    }

    fn topic(&self, id: u32, names: &dyn Fn(u32) -> Option<Named>) -> Option<Arc<Topic>> {
        let mut topics = lock(&self.topics);
        let slot = id as usize;
        if let Some(Some(topic)) = topics.get(slot) {
            return Some(Arc::clone(topic));
        }
        let Named { topic, properties } = names(id)?;
        let properties: Vec<_> = properties.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let topic = Arc::new(Topic::new(&self.client, &topic, &properties).ok()?);
        if topics.len() <= slot {
            topics.resize(slot + 1, None);
        }
        topics[slot] = Some(Arc::clone(&topic));
        Some(topic)
    }

    /// Prepares a frame that has to wait: its sends count as begun, and its topics get their handles, because the event loop
    /// resumes it without the names.
    fn announce(&self, frame: &[u8], mut cursor: Cursor, names: &dyn Fn(u32) -> Option<Named>) {
        while let Ok(step) = cursor.step(frame) {
            match step {
                Step::End => return,
                Step::Send(send) => {
                    lock(&self.sends).begin(send.id, send.records);
                    drop(self.topic(send.topic as u32, names));
                }
                Step::Record(..) => {}
            }
        }
    }

    /// Hands over what waited for room, oldest first. Takes the lane anew for each frame, so that a caller of `submit`
    /// never waits for more than one.
    fn resume_waiting(&self) {
        loop {
            let mut lane = lock(&self.lane);
            let Some(mut waiting) = lane.waiting.pop_front() else { return };
            let Waiting { frame, cursor } = &mut waiting;
            if let Walk::QueueFull = self.walk(frame, cursor, &mut lane.batch, &|_| None) {
                lane.waiting.push_front(waiting);
                return;
            }
        }
    }

    /// Fails everything that waited for room.
    fn fail_waiting(&self, code: i32) {
        let waiting = std::mem::take(&mut lock(&self.lane).waiting);
        let mut sends = lock(&self.sends);
        for Waiting { frame, mut cursor } in waiting {
            while let Ok(step) = cursor.step(&frame) {
                match step {
                    Step::End => break,
                    Step::Send(send) => sends.begin(send.id, send.records),
                    Step::Record(send, _) => {
                        sends.report(Tag { send: send.id, topic: send.topic as u32 }, -1, -1, code)
                    }
                }
            }
        }
    }
}

struct EventLoop {
    core: Arc<ProducerCore>,
    main: Queue,
    flushes: Vec<Flush>,
    closing: Option<Closing>,
}

struct Flush {
    until: u64,
    deadline: Instant,
    done: Done<()>,
}

struct Closing {
    done: Done<()>,
    patience: Duration,
    /// Since when nothing was reported, and how many reports there were then.
    since: Instant,
    reports: u64,
    purged: bool,
}

impl EventLoop {
    fn new(core: Arc<ProducerCore>, main: Queue) -> EventLoop {
        EventLoop { core, main, flushes: Vec::new(), closing: None }
    }

    async fn run(mut self, mut commands: UnboundedReceiver<Command>) {
        let session = Arc::clone(&self.core.session);
        loop {
            let deadline = self.next_deadline();
            let timer = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = session.wake.notified() => {}
                _ = timer => {}
                command = commands.recv(), if self.closing.is_none() => match command {
                    Some(Command::Flush { until, deadline, done }) => self.flushes.push(Flush { until, deadline, done }),
                    Some(Command::Close { patience, done }) => {
                        let reports = lock(&self.core.sends).reports();
                        self.closing = Some(Closing { done, patience, since: Instant::now(), reports, purged: false });
                    }
                    Some(Command::Abandon) | None => return self.end(),
                },
            }
            self.drain();
            self.core.resume_waiting();
            self.emit_complete();
            if self.settle() {
                return self.end();
            }
        }
    }

    fn drain(&mut self) {
        while let Some(event) = self.main.poll() {
            let Some(event) = self.core.session.serve(event) else { continue };
            if let EventKind::Deliveries = event.kind() {
                let mut sends = lock(&self.core.sends);
                event.each_message(|message| {
                    let tag = Tag::unpack(message.opaque());
                    sends.report_at(tag, message.partition(), message.offset(), message.code(), || {
                        match message.timestamp() {
                            (time, LOG_APPEND_TIME) => time,
                            _ => -1,
                        }
                    });
                });
            }
        }
    }

    fn emit_complete(&self) {
        let tell = lock(&self.core.sends).tell();
        if tell {
            self.core.session.sink.emit(Event::Deliveries);
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let closing = self.closing.as_ref().map(|closing| closing.since + closing.patience);
        self.flushes.iter().map(|flush| flush.deadline).chain(closing).min()
    }

    /// Answers flushes and moves a close on; true when the loop is to end.
    fn settle(&mut self) -> bool {
        let now = Instant::now();
        for flush in std::mem::take(&mut self.flushes) {
            let left = lock(&self.core.sends).waiting_of(flush.until);
            if left == 0 {
                (flush.done)(Ok(()));
            } else if flush.deadline <= now {
                let text = format!("{left} sends were still under way when the flush timed out");
                (flush.done)(Err(KafkaError::timed_out(text)));
            } else {
                self.flushes.push(flush);
            }
        }
        let Some(closing) = &mut self.closing else { return false };
        let sends = lock(&self.core.sends);
        if sends.is_idle() {
            return true;
        }
        let reports = sends.reports();
        drop(sends);
        if reports != closing.reports {
            (closing.reports, closing.since) = (reports, now);
        } else if now >= closing.since + closing.patience {
            if closing.purged {
                return true; // librdkafka gave no report within the patience, not even of the purge
            }
            self.core.fail_waiting(PURGED);
            // Waits for every broker thread, one of which may be resolving a name.
            runtime::in_place(|| self.core.client.purge());
            closing.purged = true;
            closing.since = now;
            closing.patience = Duration::from_secs(2);
            self.core.session.wake.notify_one();
        }
        false
    }

    /// Destroying joins librdkafka's threads: on the blocking pool. The close is answered when that is done.
    fn end(self) {
        for flush in self.flushes {
            (flush.done)(Err(KafkaError::from_code(codes::DESTROY)));
        }
        let (core, main, closing) = (self.core, self.main, self.closing);
        runtime::blocking(move || {
            // Nothing is left after a close; after an abandon nobody waits for it.
            core.client.purge();
            drop(main);
            lock(&core.topics).clear();
            drop(core);
            if let Some(closing) = closing {
                (closing.done)(Ok(()));
            }
        });
    }
}

/// The type of a timestamp that the broker gave.
const LOG_APPEND_TIME: i32 = 2;

/// What librdkafka itself says of a purged message (`RD_KAFKA_RESP_ERR__PURGE_QUEUE`).
pub(super) const PURGED: i32 = -152;
