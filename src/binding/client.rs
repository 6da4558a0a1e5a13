//! What the native classes have in common: a core object, its bridge, and their end with the environment.

use std::cell::RefCell;
use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi::CleanupEnvHook;

use super::bridge::{throw, Bridge, OnEvent, Then};
use crate::core::error::KafkaResult;
use crate::core::event::{Done, EventSink};

/// A core object that can be given up without waiting.
pub trait Abandon: Send + Sync + 'static {
    fn abandon(&self);
}

pub struct Client<C: Abandon> {
    pub core: Arc<C>,
    pub bridge: Arc<Bridge>,
    hook: RefCell<Option<Hook<C>>>,
}

type Hook<C> = CleanupEnvHook<(Arc<C>, Arc<Bridge>)>;

impl<C: Abandon> Client<C> {
    pub fn new(
        env: &Env,
        on_event: &OnEvent,
        make: impl FnOnce(Arc<dyn EventSink>) -> KafkaResult<C>,
    ) -> napi::Result<Client<C>> {
        let bridge = Bridge::new(on_event)?;
        let core = match make(Arc::clone(&bridge) as Arc<dyn EventSink>) {
            Ok(core) => Arc::new(core),
            Err(error) => {
                bridge.release();
                return Err(throw(env, &error));
            }
        };
        Ok(Client { core, bridge, hook: RefCell::new(None) })
    }

    /// Starts a connect: keeps the process alive, and ends with the environment when nobody closes (a worker that is
    /// terminated, a process that exits). The hook runs before the threadsafe function goes, as hooks run in reverse.
    pub fn connecting<'env>(&self, env: &'env Env) -> napi::Result<(Unknown<'env>, Done<()>)> {
        let mut hook = self.hook.borrow_mut();
        if hook.is_none() {
            let data = (Arc::clone(&self.core), Arc::clone(&self.bridge));
            *hook = Some(env.add_env_cleanup_hook(data, |(core, bridge)| {
                bridge.release();
                core.abandon();
            })?);
        }
        self.bridge.hold(env);
        self.bridge.promise_of_nothing(env, Then::LetGoOnError)
    }

    /// Starts a close; afterwards this object is of no more use.
    pub fn closing<'env>(&self, env: &'env Env) -> napi::Result<(Unknown<'env>, Done<()>)> {
        if let Some(hook) = self.hook.borrow_mut().take() {
            // Stays until the reply: the environment may end while the close is under way.
            let bridge = Arc::clone(&self.bridge);
            env.remove_env_cleanup_hook(hook)?;
            let _ = env.add_env_cleanup_hook(bridge, |bridge| bridge.release())?;
        }
        self.bridge.promise_of_nothing(env, Then::Release)
    }
}
