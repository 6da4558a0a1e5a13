use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::arguments::{config, read_token, Properties, TokenGiven};
use super::bridge::{throw, OnEvent, Then};
use super::client::{Abandon, Client};
use crate::core::admin::Admin;
use crate::core::error::KafkaError;

impl Abandon for Admin {
    fn abandon(&self) {
        Admin::abandon(self);
    }
}

/// Requests to the cluster. Used for one connection: after `close` make a new one.
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

    /// One request, as JSON: its name in `operation`, its fields beside it (core::ffi::admin::Request). The answer is
    /// JSON too; what failed of it has an `error`.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn request<'env>(&self, env: &'env Env, request: String, timeout_ms: u32) -> Result<Unknown<'env>> {
        let request = serde_json::from_str(&request)
            .map_err(|error| throw(env, &KafkaError::invalid_argument(format!("No admin request: {error}"))))?;
        let (promise, done) = self.client.bridge.promise_of_json(env)?;
        self.client.core.request(request, timeout_ms, done);
        Ok(promise)
    }

    /// All groups of all brokers: JSON `[{ groupId, protocolType }]`.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn list_groups<'env>(&self, env: &'env Env, timeout_ms: u32) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_json(env)?;
        self.client.core.list_groups(timeout_ms, done);
        Ok(promise)
    }

    /// JSON `[{ groupId, error, state, protocolType, protocol, members: [{ memberId, clientId, clientHost, metadata,
    /// assignment, assigned }] }]`: the member's bytes as base64, or what it is assigned under KIP-848.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn describe_groups<'env>(&self, env: &'env Env, groups: Vec<String>, timeout_ms: u32) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.bridge.promise_of_json(env)?;
        self.client.core.describe_groups(groups, timeout_ms, done);
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

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.closing(env)?;
        self.client.core.close(done);
        Ok(promise)
    }
}
