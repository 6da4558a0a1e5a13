//! What the native classes have in common: a core object, its bridge, and how it connects and closes.

use std::sync::Arc;

use napi::bindgen_prelude::*;

pub use super::bridge::Abandon;
use super::bridge::{throw, Bridge, OnEvent, Then};
use crate::core::error::KafkaResult;
use crate::core::event::{Done, EventSink};

pub struct Client<C: Abandon> {
    pub core: Arc<C>,
    pub bridge: Arc<Bridge>,
}

impl<C: Abandon> Client<C> {
    pub fn new(
        env: &Env,
        on_event: &OnEvent,
        make: impl FnOnce(Arc<dyn EventSink>) -> KafkaResult<C>,
    ) -> napi::Result<Client<C>> {
        let bridge = Bridge::new(on_event)?;
        match make(Arc::clone(&bridge) as Arc<dyn EventSink>) {
            Ok(core) => Ok(Client { core: Arc::new(core), bridge }),
            Err(error) => {
                bridge.release();
                Err(throw(env, &error))
            }
        }
    }

    /// Starts a connect: from now on the process stays alive, and the client ends with its environment.
    pub fn connecting<'env>(&self, env: &'env Env) -> napi::Result<(Unknown<'env>, Done<()>)> {
        self.bridge.end_with(env, &self.core)?;
        self.bridge.hold(env);
        self.bridge.promise_of_nothing(env, Then::LetGoOnError)
    }

    /// Starts a close, whose answer keeps the process alive; afterwards this object is of no more use.
    pub fn closing<'env>(&self, env: &'env Env) -> napi::Result<(Unknown<'env>, Done<()>)> {
        self.bridge.hold(env);
        self.bridge.promise_of_nothing(env, Then::Release)
    }
}
