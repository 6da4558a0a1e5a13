//! The consume path: membership, demand, frames out, commits and seeks in.
//!
//! Partitions are forwarded to a message queue of our own, away from librdkafka's consumer queue. That one then carries
//! only control events, so a rebalance never stands behind a hundred thousand messages.

#![deny(unsafe_code)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};

use super::config::Config;
use super::error::{codes, KafkaError, KafkaResult};
use super::event::{Done, Event, EventSink, Member, RebalanceKind, Token};
use super::fetch::{Fetched, Fetcher, FrameLimits, Partitions, TopicNames};
use super::ffi::metadata::{Metadata, Scope};
use super::ffi::{self, Client, EventKind, Kind, Partition, Queue, Topic};
use super::groups;
use super::producer::lock;
use super::rebalance::{Membership, Pending};
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

pub struct Subscription {
    pub topic: String,
    /// Where to start without a committed offset, and when the committed one is gone.
    pub from_beginning: bool,
}

/// How long leaving the group may take when nobody waits for it.
const ABANDON_PATIENCE: Duration = Duration::from_secs(1);

/// Between two looks at the positions, which cost a lock a partition.
const POSITIONS_GAP: Duration = Duration::from_millis(200);

pub enum Command {
    Subscribe(Vec<Subscription>, Done<()>),
    Request(u32),
    Limits(FrameLimits),
    Progress,
    Assign(i32, Vec<Partition>, Done<()>),
    Unassign(i32, Done<()>),
    Commit(Vec<Partition>, Done<()>),
    Seek { partition: Partition, epoch: i32, deadline: Instant, done: Done<()> },
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
            Command::Request(_) | Command::Limits(_) | Command::Progress | Command::Abandon => {}
        }
    }
}

struct EventLoop {
    client: Arc<Client>,
    session: Arc<Session>,
    progress: Arc<Progress>,
    fetcher: Fetcher,
    control: Queue,
    messages: Queue,
    replies: Queue,
    /// Frames that JavaScript can still take.
    demand: u32,
    membership: Membership,
    topics: Topics,
    commits: HashMap<u64, Done<()>>,
    next_commit: u64,
    seeks: Vec<Command>,
    /// Something came from librdkafka since the positions were looked at.
    stirred: bool,
    positions_due: Instant,
    closing: Option<(Instant, Done<()>)>,
}

impl Partitions for (&Client, &Membership) {
    fn high_watermark(&self, topic: &str, partition: i32) -> i64 {
        self.0.cached_high_watermark(topic, partition)
    }

    fn epoch(&self, topic: &str, partition: i32) -> i32 {
        self.1.epoch(topic, partition)
    }

    fn position(&self, topic: &str, partition: i32) -> Option<Arc<AtomicI64>> {
        self.1.position(topic, partition)
    }
}

impl EventLoop {
    fn new(client: &Arc<Client>, consumer: &Consumer, fetcher: Fetcher) -> EventLoop {
        let (mut control, mut messages, mut replies) =
            (client.consumer_queue(), client.new_queue(), client.new_queue());
        control.enable_wake();
        messages.enable_wake();
        replies.enable_wake();
        // What came before the wake-up was enabled wakes nobody.
        consumer.session.wake.notify_one();
        EventLoop {
            client: Arc::clone(client),
            session: Arc::clone(&consumer.session),
            progress: Arc::clone(&consumer.progress),
            topics: Arc::clone(&consumer.topics),
            fetcher,
            control,
            messages,
            replies,
            demand: 0,
            membership: Membership::default(),
            commits: HashMap::new(),
            next_commit: 0,
            seeks: Vec::new(),
            stirred: false,
            positions_due: Instant::now(),
            closing: None,
        }
    }

    async fn run(mut self, mut commands: UnboundedReceiver<Command>, tick: Duration) {
        let session = Arc::clone(&self.session);
        let mut tick = tokio::time::interval(tick);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let impatient = !self.seeks.is_empty() || self.closing.is_some();
            let (stirred, due) = (self.stirred, self.positions_due);
            let soon = async {
                match (impatient, stirred) {
                    (true, _) => tokio::time::sleep(Duration::from_millis(20)).await,
                    (false, true) => tokio::time::sleep_until(due.into()).await,
                    (false, false) => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = session.wake.notified() => self.stirred = true,
                _ = tick.tick() => {}
                _ = soon => {}
                // A close is the last command: the channel then has no sender any more, which is no news.
                command = commands.recv(), if self.closing.is_none() => {
                    self.carry_out(command.unwrap_or(Command::Abandon));
                }
            }
            // Everything that was asked for in the same turn, before messages move.
            while let Ok(command) = commands.try_recv() {
                self.carry_out(command);
            }
            // Each look at a queue tells librdkafka that the application is alive (`rd_kafka_app_polled`), whichever queue
            // it is. A stalled application looks at none.
            if !self.progress.is_stalled() || self.closing.is_some() {
                self.serve_control();
                self.serve_replies();
                self.retry_seeks();
                self.drain();
                self.tell_positions();
            }
            if self.stirred && Instant::now() >= self.positions_due {
                // Not now: nobody takes frames, or nobody may look.
                self.positions_due = Instant::now() + POSITIONS_GAP;
            }
            if let Some((deadline, _)) = &self.closing {
                if self.client.is_consumer_closed() || Instant::now() >= *deadline {
                    return self.end();
                }
            }
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Request(frames) => self.demand = self.demand.saturating_add(frames),
            Command::Limits(limits) => self.fetcher.set_limits(limits),
            Command::Progress => {}
            Command::Abandon => self.close(ABANDON_PATIENCE, Box::new(|_| {})),
            Command::Subscribe(topics, done) => done(self.subscribe(topics)),
            Command::Assign(generation, partitions, done) => done(self.assign(generation, partitions)),
            Command::Unassign(generation, done) => done(self.unassign(generation)),
            Command::Commit(offsets, done) => self.commit(offsets, done),
            Command::Seek { .. } => self.seek(command),
            Command::Pause(partitions, done) => done(runtime::in_place(|| self.client.pause(&partitions))),
            Command::Resume(partitions, done) => done(runtime::in_place(|| self.client.resume(&partitions))),
            Command::Close(timeout, done) => self.close(timeout, done),
        }
    }

    fn subscribe(&mut self, topics: Vec<Subscription>) -> KafkaResult<()> {
        let mut names = Vec::with_capacity(topics.len());
        for subscription in topics {
            handle(&self.client, &self.topics, &subscription)?;
            names.push(subscription.topic);
        }
        runtime::in_place(|| self.client.subscribe(&names))
    }

    fn assign(&mut self, generation: i32, partitions: Vec<Partition>) -> KafkaResult<()> {
        if self.membership.answered(generation, RebalanceKind::Assign).is_none() {
            return Ok(()); // answered meanwhile, by a close or a later rebalance
        }
        for partition in &partitions {
            let queue = self.client.partition_queue(&partition.topic, partition.partition)?;
            queue.forward(&self.messages);
            self.membership.own(&partition.topic, partition.partition, queue);
        }
        runtime::in_place(|| self.client.assign(&partitions))
    }

    fn unassign(&mut self, generation: i32) -> KafkaResult<()> {
        match self.membership.answered(generation, RebalanceKind::Revoke) {
            None => Ok(()),
            Some(pending) => self.give_up(pending),
        }
    }

    fn give_up(&mut self, pending: Pending) -> KafkaResult<()> {
        // JavaScript may have left out some of those that it was given (topics that it did not subscribe to): of an
        // incremental assignment librdkafka takes nothing away that is not in it.
        let mut partitions = pending.partitions.clone();
        if pending.cooperative {
            partitions.retain(|partition| self.membership.owns(&partition.topic, partition.partition));
        }
        let result = runtime::in_place(|| self.client.unassign(&partitions));
        if pending.cooperative {
            self.membership.disown(&pending.partitions);
        } else {
            self.membership.owned.clear();
        }
        result
    }

    fn commit(&mut self, offsets: Vec<Partition>, done: Done<()>) {
        if offsets.is_empty() {
            return done(Ok(()));
        }
        self.next_commit += 1;
        match self.client.commit(&offsets, &self.replies, self.next_commit) {
            Ok(()) => drop(self.commits.insert(self.next_commit, done)),
            Err(error) => done(Err(error)),
        }
    }

    /// A partition that has not begun to fetch cannot be sought yet: tried again until it has, or is given up. The last
    /// seek wins: one that still waits must not be carried out after it.
    fn seek(&mut self, command: Command) {
        let Command::Seek { partition, epoch, deadline, done } = command else { return };
        let same = |waiting: &mut Command| match waiting {
            Command::Seek { partition: other, .. } => {
                (&other.topic, other.partition) == (&partition.topic, partition.partition)
            }
            _ => false,
        };
        for earlier in self.seeks.extract_if(.., same) {
            if let Command::Seek { done, .. } = earlier {
                done(Ok(()));
            }
        }
        if !self.membership.owns(&partition.topic, partition.partition) {
            return done(Err(KafkaError::from_code(codes::STATE)));
        }
        match runtime::in_place(|| self.client.seek(&partition, 1000)) {
            Ok(()) => {
                self.membership.set_epoch(&partition.topic, partition.partition, epoch);
                done(Ok(()));
            }
            Err(error) if matches!(error.code, codes::STATE | codes::TIMED_OUT) && Instant::now() < deadline => {
                self.seeks.push(Command::Seek { partition, epoch, deadline, done });
            }
            Err(error) => done(Err(error)),
        }
    }

    fn retry_seeks(&mut self) {
        for seek in std::mem::take(&mut self.seeks) {
            self.seek(seek);
        }
    }

    fn drop_seeks(&mut self) {
        self.seeks.drain(..).for_each(Command::refuse);
    }

    /// Leaves the group in an orderly way, for `timeout` at most. librdkafka's destructor would wait for ever for the
    /// answer to a rebalance that it has asked about; so every end goes through here.
    fn close(&mut self, timeout: Duration, done: Done<()>) {
        if self.closing.is_some() {
            return done(Ok(()));
        }
        self.demand = 0;
        self.drop_seeks();
        if self.membership.owns_nothing() {
            // A cooperative member without partitions would end without a word to the coordinator, and the others would
            // wait for its session to time out.
            let _ = runtime::in_place(|| self.client.unsubscribe());
        }
        // Before the answers, so that librdkafka takes any of them for a revocation of everything.
        let left = self.client.close_consumer(&self.control);
        for pending in self.membership.take_pending() {
            let _ = self.give_up(pending);
        }
        let patience = if left.is_ok() { timeout } else { Duration::ZERO };
        self.closing = Some((Instant::now() + patience, done));
    }

    /// Rebalances, errors and statistics.
    fn serve_control(&mut self) {
        while let Some(event) = self.control.poll() {
            let Some(event) = self.session.serve(event) else { continue };
            match event.kind() {
                EventKind::Rebalance => self.rebalance(&event),
                EventKind::Fetch => event.each_message(|message| {
                    let mut error = KafkaError::from_code(message.code());
                    if let Some(text) = message.error_text().filter(|text| !text.is_empty()) {
                        error.message = text;
                    }
                    if error.code != codes::NO_ERROR && error.code != codes::PARTITION_EOF {
                        self.session.error(error, Some((message.topic(), message.partition())));
                    }
                }),
                _ => {}
            }
        }
    }

    fn rebalance(&mut self, event: &ffi::Event) {
        let kind = match event.code() {
            codes::ASSIGN_PARTITIONS => RebalanceKind::Assign,
            codes::REVOKE_PARTITIONS => RebalanceKind::Revoke,
            _ => {
                self.session.error(event.error(), None);
                RebalanceKind::Revoke
            }
        };
        let cooperative = self.client.is_cooperative();
        let lost = kind == RebalanceKind::Revoke && self.client.assignment_lost();
        let mut asked = self.membership.begin(kind, lost, cooperative, event.partitions());
        if self.closing.is_some() {
            // Nobody asks JavaScript any more: it has finished its handlers before it closed.
            for pending in self.membership.take_pending() {
                let _ = match pending.kind {
                    RebalanceKind::Assign => runtime::in_place(|| self.client.unassign(&pending.partitions)),
                    RebalanceKind::Revoke => self.give_up(pending),
                };
            }
            return;
        }
        if kind == RebalanceKind::Assign {
            asked.member = Some(self.member());
        }
        self.session.sink.emit(Event::Rebalance(asked));
    }

    fn member(&self) -> Member {
        let member = runtime::in_place(|| self.client.group_metadata()).and_then(|group| group.member);
        let (member_id, group_generation) = member.map_or((String::new(), -1), |member| (member.id, member.generation));
        let joined = self.session.joins.of_generation(group_generation);
        let (leader_id, protocol) = joined.map(|joined| (joined.leader_id, joined.protocol)).unzip();
        Member { member_id, group_generation, leader_id, protocol }
    }

    fn serve_replies(&mut self) {
        while let Some(event) = self.replies.poll() {
            if let EventKind::OffsetCommit = event.kind() {
                let Some(done) = self.commits.remove(&event.opaque()) else { continue };
                let failed = event.partitions().into_iter().find(|partition| partition.code != codes::NO_ERROR);
                done(match (event.code(), failed) {
                    (codes::NO_ERROR, None) => Ok(()),
                    (codes::NO_ERROR, Some(partition)) => Err(KafkaError::from_code(partition.code)),
                    (code, _) => Err(KafkaError::from_code(code)),
                });
            }
        }
    }

    /// Frames to JavaScript, as many as it can take.
    fn drain(&mut self) {
        if self.closing.is_some() || self.membership.is_revoking_all() {
            return;
        }
        while self.demand > 0 {
            let generation = self.membership.generation();
            let fetched = self.fetcher.fetch(&self.messages, generation, &(&*self.client, &self.membership));
            if fetched.is_empty() {
                return;
            }
            for item in fetched {
                match item {
                    Fetched::Frame(frame) => {
                        self.demand = self.demand.saturating_sub(1);
                        self.session.sink.emit(Event::Frame(frame));
                    }
                    Fetched::Error(error, topic, partition) => self.session.error(error, Some((topic, partition))),
                }
            }
        }
    }

    /// Behind the last message of a partition there may be control records and aborted messages, which no message tells of.
    fn tell_positions(&mut self) {
        let quiet = self.closing.is_some() || self.membership.is_revoking_all() || self.demand == 0;
        if !self.stirred || quiet || Instant::now() < self.positions_due {
            return;
        }
        self.stirred = false;
        self.positions_due = Instant::now() + POSITIONS_GAP;
        let owned = self.membership.all_owned();
        let Ok(positions) = self.client.positions(&owned) else { return };
        let advanced = self.membership.advanced(positions);
        let generation = self.membership.generation();
        let partitions = (&*self.client, &self.membership);
        if let Some(frame) = self.fetcher.positions(&advanced, generation, &partitions) {
            self.demand -= 1;
            self.session.sink.emit(Event::Frame(frame));
        }
    }

    fn end(self) {
        let EventLoop {
            client, control, messages, replies, membership, topics, commits, seeks, closing, fetcher, ..
        } = self;
        seeks.into_iter().for_each(Command::refuse);
        for done in commits.into_values() {
            done(Err(KafkaError::from_code(codes::DESTROY)));
        }
        let mut done = closing.map(|(_, done)| done);
        if !client.is_consumer_closed() {
            // The group could not be left in time. The destructor waits for what is under way, commits above all, which
            // without a coordinator is the session timeout: nobody else has to.
            if let Some(done) = done.take() {
                done(Ok(()));
            }
        }
        runtime::blocking(move || {
            drop((fetcher, membership));
            drop(lock(&topics).take());
            drop((control, messages, replies));
            drop(client);
            if let Some(done) = done {
                done(Ok(()));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::mock::MockCluster;

    struct Nobody;

    impl EventSink for Nobody {
        fn emit(&self, _: Event) {}
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
