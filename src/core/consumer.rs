//! The consume path: membership, demand, frames out, commits and seeks in.
//!
//! Partitions are forwarded to a message queue of our own, away from librdkafka's consumer queue. That one then carries
//! only control events, so a rebalance never stands behind a hundred thousand messages.

#![deny(unsafe_code)]

mod event_loop;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{unbounded_channel, UnboundedSender};

use self::event_loop::EventLoop;
use super::config::Config;
use super::error::{KafkaError, KafkaResult};
use super::event::{Done, EventSink, Token};
use super::fetch::{Fetcher, FrameLimits, TopicNames};
use super::ffi::metadata::{Metadata, Scope};
use super::ffi::{self, Client, Kind, Partition, Topic};
use super::groups;
use super::producer::lock;
use super::requests::wanted;
use super::runtime;
use super::session::{disconnected, Session};
use super::transactions::GroupMetadata;

pub struct Consumer {
    config: Config,
    limits: FrameLimits,
    session: Arc<Session>,
    names: TopicNames,
    progress: Arc<Progress>,
    demand: Arc<Demand>,
    topics: Topics,
    link: Mutex<Option<Link>>,
}

/// The handles of the subscribed topics. Held, because the properties of a topic are those of its first handle: this is how
/// each topic gets its own `auto.offset.reset`. `None` after the close: a handle that were made then would keep the client.
type Topics = Arc<Mutex<Option<HashMap<String, Arc<Topic>>>>>;

#[derive(Clone)]
struct Link {
    client: Arc<Client>,
    commands: UnboundedSender<Command>,
}

/// When JavaScript last showed that it is alive. Some seconds without that nothing polls any more; when that has lasted for
/// `max.poll.interval.ms`, the broker gives the partitions to somebody who works.
struct Progress {
    start: Instant,
    last_ms: AtomicU64,
    limit_ms: u64,
}

impl Progress {
    fn note(&self) {
        self.last_ms.store(self.start.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    fn is_stalled(&self) -> bool {
        let now = self.start.elapsed().as_millis() as u64;
        now.saturating_sub(self.last_ms.load(Ordering::Relaxed)) > self.limit_ms
    }
}

/// Frames that JavaScript can still take. It adds to this without waking the event loop, which costs it more than reading a
/// few hundred messages, unless the event loop may be asleep for want of demand: it sleeps with demand left only when there
/// is nothing to hand over or when nothing may be, and whatever ends that wakes it.
#[derive(Default)]
struct Demand(AtomicU32);

impl Demand {
    /// True when there was none, so that the event loop has to be woken.
    fn add(&self, frames: u32) -> bool {
        let added = |demand: u32| Some(demand.saturating_add(frames));
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, added) == Ok(0)
    }

    /// A frame was handed over. Not before it was: what is asked for meanwhile then wakes nobody, and is seen by `is_none`
    /// before the event loop sleeps.
    fn take(&self) {
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |demand| demand.checked_sub(1));
    }

    fn is_none(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }

    fn clear(&self) {
        self.0.store(0, Ordering::Release);
    }
}

pub struct Subscription {
    pub topic: String,
    /// Where to start without a committed offset, and when the committed one is gone.
    pub from_beginning: bool,
}

pub enum Command {
    Subscribe(Vec<Subscription>, Done<()>),
    /// There is demand again.
    Demand,
    Limits(FrameLimits),
    Progress,
    Assign(i32, Vec<Partition>, Done<()>),
    Unassign(i32, Done<()>),
    Commit(Vec<Partition>, Done<()>),
    Seek {
        partition: Partition,
        epoch: i32,
        deadline: Instant,
        done: Done<()>,
    },
    Pause(Vec<Partition>, Done<()>),
    Resume(Vec<Partition>, Done<()>),
    Close(Duration, Done<()>),
    Abandon,
}

impl Consumer {
    pub fn new(config: Config, limits: FrameLimits, sink: Arc<dyn EventSink>) -> KafkaResult<Consumer> {
        ffi::client::check_config(&config)?;
        // From the moment of stalling librdkafka's own clock runs: it has to start soon after the last progress. The runner
        // tells of progress once a second.
        let limit_ms = (config.number("max.poll.interval.ms", 300_000) / 4).clamp(1_500, 5_000);
        let progress = Progress { start: Instant::now(), last_ms: AtomicU64::new(0), limit_ms };
        Ok(Consumer {
            config,
            limits,
            session: Session::new(sink),
            names: TopicNames::default(),
            progress: Arc::new(progress),
            demand: Arc::default(),
            topics: Arc::new(Mutex::new(Some(HashMap::new()))),
            link: Mutex::default(),
        })
    }

    pub fn connect(self: &Arc<Self>, timeout_ms: u32, done: Done<()>) {
        let consumer = Arc::clone(self);
        runtime::blocking(move || done(consumer.open(timeout_ms)));
    }

    fn open(&self, timeout_ms: u32) -> KafkaResult<()> {
        if lock(&self.link).is_some() {
            return Ok(());
        }
        if self.config.get("group.id").is_none_or(str::is_empty) {
            return Err(KafkaError::invalid_argument("A consumer needs the property group.id"));
        }
        let config = self.session.joins.prepare(&self.config);
        let client = Client::new(Kind::Consumer, &config, self.session.clone())?;
        self.follow_joins(&client);
        self.progress.note();
        let tick = Duration::from_millis((self.progress.limit_ms / 4).clamp(50, 1000));
        let (commands, receiver) = unbounded_channel();
        let fetcher = Fetcher::new(self.limits, self.names.clone());
        let event_loop = EventLoop::new(&client, self, fetcher);
        self.session.run(event_loop.run(receiver, tick))?;
        let attached = self.session.attach(&client, &self.config);
        let ready = attached.and_then(|()| self.session.wait_ready(&client, timeout_ms));
        let mut slot = lock(&self.link);
        // Under the lock: a close either finds the link or has cancelled before.
        if ready.is_ok() && !self.session.is_cancelled() {
            self.follow_joins(&client);
            *slot = Some(Link { client, commands });
            return Ok(());
        }
        drop(slot);
        drop(client);
        let _ = commands.send(Command::Abandon);
        ready.and(Err(disconnected()))
    }

    pub fn topic_name(&self, id: u32) -> Option<String> {
        self.names.name(id)
    }

    /// Has the event loop carry a command out; one that cannot be is answered here.
    pub fn command(&self, command: Command) {
        self.progress.note();
        let refused = match &*lock(&self.link) {
            None => Some(command),
            Some(link) => link.commands.send(command).err().map(|refused| refused.0),
        };
        if let Some(command) = refused {
            command.refuse();
        }
    }

    /// JavaScript can take this many more frames.
    pub fn request(&self, frames: u32) {
        let stalled = self.progress.is_stalled();
        if self.demand.add(frames) || stalled {
            self.command(Command::Demand);
        } else {
            self.progress.note();
        }
    }

    /// What JavaScript listens to from now on, bits of `wanted`. Gives back how many requests were observed so far.
    pub fn observe(&self, mask: u32) -> u32 {
        let link = lock(&self.link);
        let observed = self.session.observer.observe(mask);
        if let Some(link) = &*link {
            self.follow_joins(&link.client);
        }
        observed
    }

    fn follow_joins(&self, client: &Client) {
        let listening = self.session.observer.wants(wanted::LEADER);
        if let Some(level) = self.session.joins.level(&self.config, listening) {
            client.set_log_level(level);
        }
    }

    /// JavaScript is alive and handlers advance.
    pub fn progress(&self) {
        let stalled = self.progress.is_stalled();
        self.progress.note();
        if stalled {
            self.command(Command::Progress);
        }
    }

    pub fn committed(&self, partitions: Vec<Partition>, timeout_ms: u32, done: Done<Vec<Partition>>) {
        self.blocking(done, move |client| client.committed(&partitions, timeout_ms.min(i32::MAX as u32) as i32));
    }

    pub fn end_offsets(&self, partitions: Vec<Partition>, timeout_ms: u32, done: Done<Vec<Partition>>) {
        self.blocking(done, move |client| client.end_offsets(&partitions, timeout_ms.min(i32::MAX as u32) as i32));
    }

    /// Who this member is. Its generation is not positive before the coordinator has taken it in.
    pub fn group_metadata(&self, done: Done<GroupMetadata>) {
        self.blocking(done, |client| client.group_metadata().ok_or_else(not_connected));
    }

    pub fn describe_groups(&self, names: Vec<String>, timeout_ms: u32, done: Done<Vec<groups::Description>>) {
        self.blocking(done, move |client| groups::describe(client, names, timeout_ms));
    }

    /// Of all topics, or of those named, which thereby get the properties that they will be consumed with.
    pub fn metadata(&self, topics: Option<Vec<Subscription>>, timeout_ms: u32, done: Done<Metadata>) {
        let known = Arc::clone(&self.topics);
        self.blocking(done, move |client| {
            let handles = topics.map(|list| list.iter().map(|topic| handle(client, &known, topic)).collect());
            read_metadata(client, handles.transpose()?, timeout_ms)
        });
    }

    fn blocking<T: Send + 'static>(
        &self,
        done: Done<T>,
        work: impl FnOnce(&Arc<Client>) -> KafkaResult<T> + Send + 'static,
    ) {
        match lock(&self.link).as_ref().map(|link| Arc::clone(&link.client)) {
            None => done(Err(not_connected())),
            Some(client) => runtime::blocking(move || done(work(&client))),
        }
    }

    /// Leaves the group and destroys the handle; after `timeout_ms` without waiting for the group any longer.
    pub fn close(&self, timeout_ms: u32, done: Done<()>) {
        self.session.cancel();
        match lock(&self.link).take() {
            None => done(Ok(())),
            Some(Link { client, commands }) => {
                drop(client);
                let command = Command::Close(Duration::from_millis(timeout_ms.into()), done);
                if let Err(refused) = commands.send(command) {
                    refused.0.refuse();
                }
            }
        }
    }

    /// Answers an `Event::TokenRefresh`.
    pub fn token(&self, token: Result<Token, String>, done: Done<()>) {
        self.session.token(token, done);
    }

    pub fn abandon(&self) {
        self.session.cancel();
        if let Some(link) = lock(&self.link).take() {
            let _ = link.commands.send(Command::Abandon);
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// The handle of a topic, made with its start position the first time.
fn handle(client: &Arc<Client>, known: &Topics, subscription: &Subscription) -> KafkaResult<Arc<Topic>> {
    let Subscription { topic, from_beginning } = subscription;
    let mut known = lock(known);
    let known = known.as_mut().ok_or_else(not_connected)?;
    if let Some(handle) = known.get(topic) {
        return Ok(Arc::clone(handle));
    }
    let reset = if *from_beginning { "earliest" } else { "latest" };
    let handle = Arc::new(Topic::new(client, topic, &[("auto.offset.reset", reset)])?);
    known.insert(topic.clone(), Arc::clone(&handle));
    Ok(handle)
}

pub(super) fn read_metadata(
    client: &Arc<Client>,
    topics: Option<Vec<Arc<Topic>>>,
    timeout_ms: u32,
) -> KafkaResult<Metadata> {
    let timeout_ms = timeout_ms.min(i32::MAX as u32) as i32;
    let Some(topics) = topics else { return client.metadata(Scope::AllTopics, timeout_ms) };
    let mut all: Option<Metadata> = None;
    for topic in &topics {
        let one = client.metadata(Scope::Topic(topic), timeout_ms)?;
        match &mut all {
            None => all = Some(one),
            Some(all) => all.topics.extend(one.topics),
        }
    }
    match all {
        Some(all) => Ok(all),
        None => client.metadata(Scope::Local, timeout_ms).map(|local| Metadata { topics: Vec::new(), ..local }),
    }
}

fn not_connected() -> KafkaError {
    KafkaError::state("The consumer is not connected")
}

impl Command {
    fn refuse(self) {
        match self {
            Command::Close(_, done) | Command::Unassign(_, done) => done(Ok(())),
            Command::Subscribe(_, done)
            | Command::Assign(_, _, done)
            | Command::Commit(_, done)
            | Command::Seek { done, .. }
            | Command::Pause(_, done)
            | Command::Resume(_, done) => done(Err(not_connected())),
            Command::Demand | Command::Limits(_) | Command::Progress | Command::Abandon => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::error::codes;
    use crate::core::event::Event;
    use crate::core::mock::MockCluster;

    struct Nobody;

    impl EventSink for Nobody {
        fn emit(&self, _: Event) {}
    }

    /// What an event loop would do that hears of demand by the wake-ups alone, against a program that asks for another frame
    /// whenever it got one. One wake-up lost and both wait for ever.
    #[test]
    fn demand_that_wakes_nobody_is_seen_all_the_same() {
        const FRAMES: u32 = 20_000;
        let demand = Arc::new(Demand::default());
        let (wake, woken) = std::sync::mpsc::channel();
        let (frame, frames) = std::sync::mpsc::channel();
        let event_loop = Arc::clone(&demand);
        let serving = std::thread::spawn(move || {
            while let Ok(()) = woken.recv() {
                while !event_loop.is_none() {
                    let _ = frame.send(());
                    event_loop.take();
                }
            }
        });
        let ask = |frames| {
            if demand.add(frames) {
                wake.send(()).unwrap();
            }
        };
        ask(2);
        for _ in 0..FRAMES {
            frames.recv_timeout(Duration::from_secs(30)).expect("a frame for each that was asked for");
            ask(1);
        }
        drop(wake);
        serving.join().unwrap();
        assert_eq!(frames.iter().count(), 2, "those asked for at last, and no more");
    }

    #[test]
    fn a_call_that_is_late_makes_no_handle_that_outlives_the_close() {
        let cluster = MockCluster::start(1, 0).unwrap();
        let config = Config::from_iter([("bootstrap.servers", cluster.bootstrap_servers()), ("group.id", "g")]);
        let limits = FrameLimits { bytes: 1024, messages: 10 };
        let consumer = Consumer::new(config, limits, Arc::new(Nobody)).unwrap();
        consumer.open(10_000).unwrap();
        let client = lock(&consumer.link).as_ref().map(|link| Arc::clone(&link.client)).unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        consumer.close(5_000, Box::new(move |outcome| drop(sender.send(outcome))));
        receiver.recv_timeout(Duration::from_secs(30)).expect("an answer in time").unwrap();
        let late = Subscription { topic: "t".to_owned(), from_beginning: true };
        assert_eq!(handle(&client, &consumer.topics, &late).err().map(|error| error.code), Some(codes::STATE));
        assert_eq!(Arc::strong_count(&client), 1);
    }
}
