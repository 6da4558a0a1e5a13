use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::arguments::{config, partitions, read_token, GroupMember, Properties, TokenGiven, TopicPartitionOffset};
use super::bridge::{throw, OnEvent, Then};
use super::client::{Abandon, Client};
use crate::core::producer::Producer;

impl Abandon for Producer {
    fn abandon(&self) {
        Producer::abandon(self);
    }
}

/// Records in, delivery reports out. Used for one connection: after `close` make a new one.
#[napi]
pub struct NativeProducer {
    client: Client<Producer>,
}

#[napi]
impl NativeProducer {
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        properties: Properties,
        #[napi(ts_arg_type = "(kind: number, payload: any) => void")] on_event: OnEvent,
    ) -> Result<Self> {
        let client = Client::new(&env, &on_event, |sink| Producer::new(config(properties), sink))?;
        Ok(NativeProducer { client })
    }

    /// Opens the handle; rejects with the reason when no broker answers in time.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn connect<'env>(&self, env: &'env Env, timeout_ms: u32) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.connecting(env)?;
        self.client.core.connect(timeout_ms, done);
        Ok(promise)
    }

    /// What to tell of requests to brokers from now on (bits of `wanted` in src/core/requests.rs), before `connect` or after.
    /// Returns how many were told so far.
    #[napi(catch_unwind)]
    pub fn observe(&self, mask: u32) -> u32 {
        self.client.core.observe(mask)
    }

    /// Answers a token event: with a token, or with why there is none, which becomes an error of the client.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn set_token<'env>(&self, env: &'env Env, token: Either<TokenGiven, String>) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_nothing(env, Then::Nothing)?;
        self.client.core.token(read_token(token), done);
        Ok(promise)
    }

    /// The id of a topic in frames, stable for this object. The first call says the topic's own properties.
    #[napi(catch_unwind)]
    pub fn topic(&self, name: String, properties: Option<Properties>) -> u32 {
        self.client.core.topic(&name, properties.unwrap_or_default().into_iter().collect())
    }

    #[napi(catch_unwind)]
    pub fn topic_name(&self, id: u32) -> Option<String> {
        self.client.core.topic_name(id)
    }

    /// Takes the first `length` bytes of a produce frame, copied before this returns.
    #[napi(catch_unwind)]
    pub fn submit(&self, env: &Env, frame: Uint8ArraySlice, length: u32) -> Result<()> {
        let bytes = frame.get(..length as usize).unwrap_or(&frame);
        self.client.core.submit(bytes).map_err(|error| throw(env, &error))
    }

    /// Fills a deliveries frame with sends that are complete, the oldest first. One event says that there are some; the next one
    /// comes after all were taken.
    #[napi(catch_unwind)]
    pub fn deliveries(&self, mut frame: Int32ArraySlice) {
        // SAFETY: on the JavaScript thread, which alone has the array.
        self.client.core.take_deliveries(unsafe { frame.as_mut() });
    }

    /// Metadata of one topic, as JSON.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn partitions<'env>(&self, env: &'env Env, topic: String, timeout_ms: u32) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_json(env)?;
        self.client.core.metadata(&topic, timeout_ms, done);
        Ok(promise)
    }

    /// Resolves when every send so far is complete; rejects with ERR__TIMED_OUT when some still are not.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn flush<'env>(&self, env: &'env Env, timeout_ms: u32) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_nothing(env, Then::Nothing)?;
        self.client.core.flush(timeout_ms, done);
        Ok(promise)
    }

    /// Gets the producer id of a producer with a `transactional.id`: once, before its first transaction.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn init_transactions<'env>(&self, env: &'env Env, timeout_ms: u32) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_nothing(env, Then::Nothing)?;
        self.client.core.init_transactions(timeout_ms, done);
        Ok(promise)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn begin_transaction<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_nothing(env, Then::Nothing)?;
        self.client.core.begin_transaction(done);
        Ok(promise)
    }

    /// While a transaction is going on: rejects with what it has failed by, if it has.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn transaction_failure<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_nothing(env, Then::Nothing)?;
        self.client.core.transaction_failure(done);
        Ok(promise)
    }

    /// Adds the next offsets to read of a group to the transaction.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn send_offsets<'env>(
        &self,
        env: &'env Env,
        offsets: Vec<TopicPartitionOffset>,
        group: GroupMember,
        timeout_ms: u32,
    ) -> Result<Unknown<'env>> {
        let offsets = partitions(offsets).map_err(|error| throw(env, &error))?;
        let (promise, done) = self.client.bridge.promise_of_nothing(env, Then::Nothing)?;
        self.client.core.send_offsets(offsets, group.into(), timeout_ms, done);
        Ok(promise)
    }

    /// After `flush`. A retriable error means that it goes on: call again.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn commit_transaction<'env>(&self, env: &'env Env, timeout_ms: u32) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_nothing(env, Then::Nothing)?;
        self.client.core.commit_transaction(timeout_ms, done);
        Ok(promise)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn abort_transaction<'env>(&self, env: &'env Env, timeout_ms: u32) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_nothing(env, Then::Nothing)?;
        self.client.core.abort_transaction(timeout_ms, done);
        Ok(promise)
    }

    /// Waits for what is under way while reports keep coming, at most `patienceMs` without one; fails the rest.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env, patience_ms: u32) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.closing(env)?;
        Arc::clone(&self.client.core).close(patience_ms, done);
        Ok(promise)
    }
}
