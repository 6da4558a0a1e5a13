use std::time::{Duration, Instant};

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::arguments::{
    self, config, partitions, read_token, Properties, TokenGiven, TopicPartition, TopicPartitionOffset,
};
use super::bridge::{throw, OnEvent, Then};
use super::client::{Abandon, Client};
use crate::core::consumer::{Command, Consumer, Subscription};
use crate::core::event::Done;
use crate::core::fetch::FrameLimits;
use crate::core::ffi::Partition;
use crate::frame::MAX_FRAME_BYTES;

impl Abandon for Consumer {
    fn abandon(&self) {
        Consumer::abandon(self);
    }
}

/// How much one frame carries at most.
#[napi(object)]
pub struct FrameOptions {
    pub frame_bytes: u32,
    pub frame_messages: u32,
}

impl From<FrameOptions> for FrameLimits {
    fn from(options: FrameOptions) -> FrameLimits {
        FrameLimits {
            bytes: options.frame_bytes.clamp(1, MAX_FRAME_BYTES as u32 / 2) as usize,
            messages: options.frame_messages.max(1) as usize,
        }
    }
}

/// A group member. Used for one membership: after `close` make a new one.
#[napi]
pub struct NativeConsumer {
    client: Client<Consumer>,
}

#[napi]
impl NativeConsumer {
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        properties: Properties,
        #[napi(ts_arg_type = "(kind: number, payload: any) => void")] on_event: OnEvent,
        options: FrameOptions,
    ) -> Result<Self> {
        let limits = options.into();
        let client = Client::new(&env, &on_event, |sink| Consumer::new(config(properties), limits, sink))?;
        Ok(NativeConsumer { client })
    }

    /// Opens the handle; rejects with the reason when no broker answers in time.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn connect<'env>(&self, env: &'env Env, timeout_ms: u32) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.connecting(env)?;
        self.client.core.connect(timeout_ms, done);
        Ok(promise)
    }

    /// Answers a token event: with a token, or with why there is none, which becomes an error of the client.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn set_token<'env>(&self, env: &'env Env, token: Either<TokenGiven, String>) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_nothing(env, Then::Nothing)?;
        self.client.core.token(read_token(token), done);
        Ok(promise)
    }

    /// What to tell of requests to brokers from now on (bits of `wanted` in src/core/requests.rs), before `connect` or after.
    /// Returns how many were told so far.
    #[napi(catch_unwind)]
    pub fn observe(&self, mask: u32) -> u32 {
        self.client.core.observe(mask)
    }

    #[napi(catch_unwind)]
    pub fn topic_name(&self, id: u32) -> Option<String> {
        self.client.core.topic_name(id)
    }

    /// Joins the group for these topics, instead of those before.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn subscribe<'env>(&self, env: &'env Env, topics: Vec<arguments::Subscription>) -> Result<Unknown<'env>> {
        let topics = topics.into_iter().map(Subscription::from).collect();
        self.command(env, |done| Command::Subscribe(topics, done))
    }

    /// Demand: how many more frames JavaScript can take.
    #[napi(catch_unwind)]
    pub fn request(&self, frames: u32) {
        self.client.core.request(frames);
    }

    /// How much the frames to come carry.
    #[napi(catch_unwind)]
    pub fn frame_limits(&self, limits: FrameOptions) {
        self.client.core.command(Command::Limits(limits.into()));
    }

    /// Handlers advance. Without this for `max.poll.interval.ms` the member loses its partitions.
    #[napi(catch_unwind)]
    pub fn progress(&self) {
        self.client.core.progress();
    }

    /// Answers an 'assign' event: fetching starts, where `offset` says or (-1001) at the committed offset.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn assign<'env>(
        &self,
        env: &'env Env,
        generation: i32,
        assigned: Vec<TopicPartitionOffset>,
    ) -> Result<Unknown<'env>> {
        let assigned = partitions(assigned).map_err(|error| throw(env, &error))?;
        self.command(env, |done| Command::Assign(generation, assigned, done))
    }

    /// Answers a 'revoke' event: handlers have finished and their offsets are committed.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn unassign<'env>(&self, env: &'env Env, generation: i32) -> Result<Unknown<'env>> {
        self.command(env, |done| Command::Unassign(generation, done))
    }

    /// Commits the next offsets to read; resolves when the coordinator has them.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn commit<'env>(&self, env: &'env Env, offsets: Vec<TopicPartitionOffset>) -> Result<Unknown<'env>> {
        let offsets = partitions(offsets).map_err(|error| throw(env, &error))?;
        self.command(env, |done| Command::Commit(offsets, done))
    }

    /// The committed offsets, as JSON `[{ topic, partition, offset, metadata }]`; -1001 where there is none.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn committed<'env>(
        &self,
        env: &'env Env,
        asked: Vec<TopicPartition>,
        timeout_ms: u32,
    ) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_json::<Vec<Committed>>(env)?;
        let done: Done<Vec<Partition>> =
            Box::new(move |answer| done(answer.map(|list| list.into_iter().map(Committed::from).collect())));
        self.client.core.committed(asked.into_iter().map(Partition::from).collect(), timeout_ms, done);
        Ok(promise)
    }

    /// The offsets of the next messages to be written, as JSON like that of `committed`.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn end_offsets<'env>(
        &self,
        env: &'env Env,
        asked: Vec<TopicPartition>,
        timeout_ms: u32,
    ) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_json::<Vec<Committed>>(env)?;
        let done: Done<Vec<Partition>> =
            Box::new(move |answer| done(answer.map(|list| list.into_iter().map(Committed::from).collect())));
        self.client.core.end_offsets(asked.into_iter().map(Partition::from).collect(), timeout_ms, done);
        Ok(promise)
    }

    /// Who this member is in the group, as JSON `{ groupId, generationId, memberId, groupInstanceId }`. Under
    /// KIP-848 the generation is the member's epoch. It is not positive before the coordinator has taken the member in.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn group_metadata<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_json::<arguments::GroupMember>(env)?;
        self.client.core.group_metadata(Box::new(move |answer| done(answer.map(arguments::GroupMember::from))));
        Ok(promise)
    }

    /// As NativeAdmin's.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn describe_groups<'env>(&self, env: &'env Env, groups: Vec<String>, timeout_ms: u32) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_json(env)?;
        self.client.core.describe_groups(groups, timeout_ms, done);
        Ok(promise)
    }

    /// Moves the position. Sections of the partition carry `epoch` from then on.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn seek<'env>(
        &self,
        env: &'env Env,
        topic: String,
        partition: i32,
        offset: String,
        epoch: i32,
    ) -> Result<Unknown<'env>> {
        let offset = arguments::number("offset", &offset).map_err(|error| throw(env, &error))?;
        let partition = Partition::at(topic, partition, offset);
        let deadline = Instant::now() + Duration::from_secs(30);
        self.command(env, |done| Command::Seek { partition, epoch, deadline, done })
    }

    /// Stops fetching these partitions; what was fetched and not yet handed out is fetched again on resume.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn pause<'env>(&self, env: &'env Env, paused: Vec<TopicPartition>) -> Result<Unknown<'env>> {
        let paused = paused.into_iter().map(Partition::from).collect();
        self.command(env, |done| Command::Pause(paused, done))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn resume<'env>(&self, env: &'env Env, resumed: Vec<TopicPartition>) -> Result<Unknown<'env>> {
        let resumed = resumed.into_iter().map(Partition::from).collect();
        self.command(env, |done| Command::Resume(resumed, done))
    }

    /// Metadata of these topics, which are to be subscribed, or of all: JSON `{ brokers, topics }`.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn metadata<'env>(
        &self,
        env: &'env Env,
        topics: Option<Vec<arguments::Subscription>>,
        timeout_ms: u32,
    ) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_json(env)?;
        let topics = topics.map(|list| list.into_iter().map(Subscription::from).collect());
        self.client.core.metadata(topics, timeout_ms, done);
        Ok(promise)
    }

    /// Leaves the group; waits for that at most `timeoutMs`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env, timeout_ms: u32) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.closing(env)?;
        self.client.core.close(timeout_ms, done);
        Ok(promise)
    }
}

impl NativeConsumer {
    fn command<'env>(&self, env: &'env Env, make: impl FnOnce(Done<()>) -> Command) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_nothing(env, Then::Nothing)?;
        self.client.core.command(make(done));
        Ok(promise)
    }
}

impl From<arguments::Subscription> for Subscription {
    fn from(given: arguments::Subscription) -> Subscription {
        Subscription { topic: given.topic, from_beginning: given.from_beginning }
    }
}

#[derive(serde::Serialize)]
struct Committed {
    topic: String,
    partition: i32,
    offset: String,
    metadata: Option<String>,
}

impl From<Partition> for Committed {
    fn from(given: Partition) -> Committed {
        Committed {
            topic: given.topic,
            partition: given.partition,
            offset: given.offset.to_string(),
            metadata: given.metadata,
        }
    }
}
