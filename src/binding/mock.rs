use std::sync::{Mutex, PoisonError};

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::bridge::{json, throw};
use crate::core::error::{KafkaError, KafkaResult};
use crate::core::mock::{MockCluster, PushedError};

/// Fails, or is answered late, or both.
#[napi(object)]
pub struct MockFailure {
    /// 0: no error.
    pub error: i32,
    /// Milliseconds.
    pub delay: i32,
}

/// A mock cluster, which runs until it is closed or its environment ends. Every method is synchronous: they take well
/// under a millisecond, starting two.
#[napi]
pub struct NativeMockCluster {
    /// `None` once closed.
    cluster: Mutex<Option<MockCluster>>,
}

#[napi]
impl NativeMockCluster {
    #[napi(constructor, catch_unwind)]
    pub fn new(env: Env, brokers: i32, group_initial_rebalance_delay: i32) -> Result<Self> {
        let started = MockCluster::start(brokers, group_initial_rebalance_delay);
        started
            .map(|cluster| NativeMockCluster { cluster: Mutex::new(Some(cluster)) })
            .map_err(|error| throw(&env, &error))
    }

    #[napi(catch_unwind)]
    pub fn bootstrap_servers(&self, env: Env) -> Result<String> {
        self.with(&env, |cluster| Ok(cluster.bootstrap_servers().to_owned()))
    }

    #[napi(catch_unwind)]
    pub fn create_topic(&self, env: Env, topic: String, partitions: i32, replication_factor: i32) -> Result<()> {
        self.with(&env, |cluster| cluster.create_topic(&topic, partitions, replication_factor))
    }

    #[napi(catch_unwind)]
    pub fn set_broker_down(&self, env: Env, broker: i32) -> Result<()> {
        self.with(&env, |cluster| cluster.set_broker_down(broker))
    }

    #[napi(catch_unwind)]
    pub fn set_broker_up(&self, env: Env, broker: i32) -> Result<()> {
        self.with(&env, |cluster| cluster.set_broker_up(broker))
    }

    #[napi(catch_unwind)]
    pub fn set_latency(&self, env: Env, broker: i32, ms: i32) -> Result<()> {
        self.with(&env, |cluster| cluster.set_latency(broker, ms))
    }

    #[napi(catch_unwind)]
    pub fn push_request_errors(&self, env: Env, api_key: i16, errors: Vec<i32>) -> Result<()> {
        self.with(&env, |cluster| cluster.push_request_errors(api_key, &errors))
    }

    #[napi(catch_unwind)]
    pub fn push_broker_request_errors(
        &self,
        env: Env,
        broker: i32,
        api_key: i16,
        failures: Vec<MockFailure>,
    ) -> Result<()> {
        let pushed = |failure: MockFailure| PushedError { error: failure.error, delay: failure.delay };
        let failures: Vec<PushedError> = failures.into_iter().map(pushed).collect();
        self.with(&env, |cluster| cluster.push_broker_request_errors(broker, api_key, &failures))
    }

    #[napi(catch_unwind)]
    pub fn clear_request_errors(&self, env: Env, api_key: i16) -> Result<()> {
        self.with(&env, |cluster| {
            cluster.clear_request_errors(api_key);
            Ok(())
        })
    }

    /// Broker -1: no leader.
    #[napi(catch_unwind)]
    pub fn set_leader(&self, env: Env, topic: String, partition: i32, broker: i32) -> Result<()> {
        self.with(&env, |cluster| cluster.set_leader(&topic, partition, broker))
    }

    #[napi(catch_unwind)]
    pub fn set_topic_error(&self, env: Env, topic: String, error: i32) -> Result<()> {
        self.with(&env, |cluster| cluster.set_topic_error(&topic, error))
    }

    /// `kind` is `group` or `transaction`.
    #[napi(catch_unwind)]
    pub fn set_coordinator(&self, env: Env, kind: String, key: String, broker: i32) -> Result<()> {
        self.with(&env, |cluster| cluster.set_coordinator(&kind, &key, broker))
    }

    #[napi(catch_unwind)]
    pub fn start_request_tracking(&self, env: Env) -> Result<()> {
        self.with(&env, |cluster| {
            cluster.start_request_tracking();
            Ok(())
        })
    }

    /// JSON as of `requests`: what was recorded until now.
    #[napi(catch_unwind)]
    pub fn stop_request_tracking(&self, env: Env) -> Result<String> {
        self.with(&env, |cluster| Ok(json(&cluster.stop_request_tracking())))
    }

    /// JSON `[{ broker, apiKey, timestamp }]`, oldest first.
    #[napi(catch_unwind)]
    pub fn requests(&self, env: Env) -> Result<String> {
        self.with(&env, |cluster| Ok(json(&cluster.requests())))
    }

    #[napi(catch_unwind)]
    pub fn clear_requests(&self, env: Env) -> Result<()> {
        self.with(&env, |cluster| {
            cluster.clear_requests();
            Ok(())
        })
    }

    /// Closes every connection and listener. Closing twice is fine.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        let cluster = self.cluster.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(cluster);
    }

    fn with<T>(&self, env: &Env, call: impl FnOnce(&MockCluster) -> KafkaResult<T>) -> Result<T> {
        let cluster = self.cluster.lock().unwrap_or_else(PoisonError::into_inner);
        let result = match &*cluster {
            Some(cluster) => call(cluster),
            None => Err(KafkaError::state("The mock cluster is closed; start another with MockCluster.start()")),
        };
        result.map_err(|error| throw(env, &error))
    }
}
