use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::arguments::{config, Properties};
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

    /// The id of a topic in frames, stable for this object.
    #[napi(catch_unwind)]
    pub fn topic(&self, name: String) -> u32 {
        self.client.core.topic(&name)
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

    /// Waits for what is under way while reports keep coming, at most `patienceMs` without one; fails the rest.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env, patience_ms: u32) -> Result<Unknown<'env>> {
        let (promise, done) = self.client.closing(env)?;
        Arc::clone(&self.client.core).close(patience_ms, done);
        Ok(promise)
    }
}
