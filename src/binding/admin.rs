use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::arguments::{config, partitions, read_token, Properties, TimestampQuery, TokenGiven, TopicToCreate};
use super::bridge::{throw, OnEvent, Then};
use super::client::{Abandon, Client};
use crate::core::admin::{Admin, Request};

impl Abandon for Admin {
    fn abandon(&self) {
        Admin::abandon(self);
    }
}

/// Requests about topics. Used for one connection: after `close` make a new one.
#[napi]
pub struct NativeAdmin {
    client: Client<Admin>,
}

#[napi]
impl NativeAdmin {
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        properties: Properties,
        #[napi(ts_arg_type = "(kind: number, payload: any) => void")] on_event: OnEvent,
    ) -> Result<Self> {
        let client = Client::new(&env, &on_event, |sink| Admin::new(config(properties), sink))?;
        Ok(NativeAdmin { client })
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

    /// JSON `[{ topic, error }]`.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn create_topics<'env>(
        &self,
        env: &'env Env,
        topics: Vec<TopicToCreate>,
        timeout_ms: u32,
        validate_only: bool,
    ) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_json(env)?;
        let topics = topics.into_iter().map(Into::into).collect();
        self.client.core.request(Request::CreateTopics { topics, timeout_ms, validate_only, done });
        Ok(promise)
    }

    /// JSON `[{ topic, error }]`.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn delete_topics<'env>(&self, env: &'env Env, topics: Vec<String>, timeout_ms: u32) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_json(env)?;
        self.client.core.request(Request::DeleteTopics { topics, timeout_ms, done });
        Ok(promise)
    }

    /// Of these topics, or of all: JSON `{ brokers, controllerId, clusterId, topics }`.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn metadata<'env>(
        &self,
        env: &'env Env,
        topics: Option<Vec<String>>,
        timeout_ms: u32,
    ) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_json(env)?;
        self.client.core.metadata(topics, timeout_ms, done);
        Ok(promise)
    }

    /// The offsets at these times: JSON `[{ topic, partition, offset, timestamp, leaderEpoch, error }]`.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn list_offsets<'env>(
        &self,
        env: &'env Env,
        asked: Vec<TimestampQuery>,
        timeout_ms: u32,
    ) -> Result<Unknown<'env>> {
        let asked = partitions(asked).map_err(|error| throw(env, &error))?;
        let (promise, done) = self.client.bridge.promise_of_json(env)?;
        self.client.core.request(Request::ListOffsets { partitions: asked, timeout_ms, done });
        Ok(promise)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.closing(env)?;
        self.client.core.close(done);
        Ok(promise)
    }
}
