//! What one consumer's task does: it serves librdkafka's queues, carries commands out and hands frames to JavaScript.

#![deny(unsafe_code)]

use std::collections::HashMap;
use std::sync::atomic::AtomicI64;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;

use super::{handle, Command, Consumer, Demand, Progress, Subscription, Topics};
use crate::core::error::{codes, KafkaError, KafkaResult};
use crate::core::event::{Done, Event, Member, RebalanceKind};
use crate::core::fetch::{Fetched, Fetcher, Partitions};
use crate::core::ffi::{self, Client, EventKind, Partition, Queue};
use crate::core::producer::lock;
use crate::core::rebalance::{Membership, Pending};
use crate::core::runtime;
use crate::core::session::Session;

/// How long leaving the group may take when nobody waits for it.
const ABANDON_PATIENCE: Duration = Duration::from_secs(1);

/// Between two looks at the positions, which cost a lock a partition.
const POSITIONS_GAP: Duration = Duration::from_millis(200);

pub(super) struct EventLoop {
    client: Arc<Client>,
    session: Arc<Session>,
    progress: Arc<Progress>,
    fetcher: Fetcher,
    control: Queue,
    messages: Queue,
    replies: Queue,
    demand: Arc<Demand>,
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
    pub(super) fn new(client: &Arc<Client>, consumer: &Consumer, fetcher: Fetcher) -> EventLoop {
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
            demand: Arc::clone(&consumer.demand),
            membership: Membership::default(),
            commits: HashMap::new(),
            next_commit: 0,
            seeks: Vec::new(),
            stirred: false,
            positions_due: Instant::now(),
            closing: None,
        }
    }

    pub(super) async fn run(mut self, mut commands: UnboundedReceiver<Command>, tick: Duration) {
        let session = Arc::clone(&self.session);
        let mut tick = runtime::ticks(tick);
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
                _ = tick.tick() => self.fetcher.rest(),
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
            Command::Limits(limits) => self.fetcher.set_limits(limits),
            Command::Demand | Command::Progress => {}
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
        self.demand.clear();
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
        while !self.demand.is_none() {
            let generation = self.membership.generation();
            let fetched = self.fetcher.fetch(&self.messages, generation, &(&*self.client, &self.membership));
            if fetched.is_empty() {
                return;
            }
            for item in fetched {
                match item {
                    Fetched::Frame(frame) => {
                        self.session.sink.emit(Event::Frame(frame));
                        self.demand.take();
                    }
                    Fetched::Error(error, topic, partition) => self.session.error(error, Some((topic, partition))),
                }
            }
        }
    }

    /// Behind the last message of a partition there may be control records and aborted messages, which no message tells of.
    fn tell_positions(&mut self) {
        let quiet = self.closing.is_some() || self.membership.is_revoking_all() || self.demand.is_none();
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
            self.session.sink.emit(Event::Frame(frame));
            self.demand.take();
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
