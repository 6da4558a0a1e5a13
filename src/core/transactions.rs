//! Transactions of a producer. librdkafka's calls block; here they run on the blocking pool, in slices, so that a close ends
//! them soon. All but `send_offsets` go on in the background when a slice is over, and the next slice resumes them.

#![deny(unsafe_code)]

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::error::{codes, KafkaError, KafkaResult};
use super::event::Done;
pub use super::ffi::transactions::{GroupMetadata, Member};
use super::ffi::{Client, Partition};
use super::producer::{Producer, PURGED};
use super::runtime;
use super::session::Session;

/// How late a close may be noticed.
const SLICE: Duration = Duration::from_millis(200);
/// Before a call that failed at once is made again.
const PAUSE: Duration = Duration::from_millis(100);

impl Producer {
    /// Gets the producer id: once, before the first transaction.
    pub fn init_transactions(&self, timeout_ms: u32, done: Done<()>) {
        self.transactional(timeout_ms, done, |call| call.in_slices(Client::init_transactions));
    }

    pub fn begin_transaction(&self, done: Done<()>) {
        self.transactional(0, done, |call| call.client.begin_transaction());
    }

    /// What the transaction that is going on has failed by, if it has.
    pub fn transaction_failure(&self, done: Done<()>) {
        self.transactional(0, done, |call| match call.client.begin_transaction() {
            Err(error) if error.code != codes::STATE || error.fatal => Err(error),
            _ => Ok(()),
        });
    }

    /// Adds the offsets to the transaction: the next ones to read.
    pub fn send_offsets(&self, offsets: Vec<Partition>, group: GroupMetadata, timeout_ms: u32, done: Done<()>) {
        self.transactional(timeout_ms, done, move |call| {
            call.anew(|client, ms| client.send_offsets(&offsets, &group, ms))
        });
    }

    /// Flush first: librdkafka knows nothing of the frames that wait for room.
    pub fn commit_transaction(&self, timeout_ms: u32, done: Done<()>) {
        self.transactional(timeout_ms, done, |call| call.in_slices(Client::commit_transaction));
    }

    pub fn abort_transaction(&self, timeout_ms: u32, done: Done<()>) {
        if let Err(error) = self.fail_waiting(PURGED) {
            return done(Err(error));
        }
        self.transactional(timeout_ms, done, |call| call.in_slices(Client::abort_transaction));
    }

    fn transactional(
        &self,
        timeout_ms: u32,
        done: Done<()>,
        work: impl FnOnce(Call) -> KafkaResult<()> + Send + 'static,
    ) {
        let deadline = Instant::now() + Duration::from_millis(timeout_ms.into());
        match self.client() {
            Err(error) => done(Err(error)),
            Ok((client, session)) => runtime::blocking(move || done(work(Call { client, session, deadline }))),
        }
    }
}

struct Call {
    client: Arc<Client>,
    session: Arc<Session>,
    deadline: Instant,
}

impl Call {
    fn in_slices(&self, call: impl Fn(&Client, i32) -> KafkaResult<()>) -> KafkaResult<()> {
        self.again(|left| call(&self.client, milliseconds(left.min(SLICE))))
    }

    fn anew(&self, call: impl Fn(&Client, i32) -> KafkaResult<()>) -> KafkaResult<()> {
        self.again(|left| call(&self.client, milliseconds(left)))
    }

    /// Until it succeeds, fails for good, time is up or the client is closed.
    fn again(&self, attempt: impl Fn(Duration) -> KafkaResult<()>) -> KafkaResult<()> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let began = Instant::now();
            let error = match attempt(left) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if !error.retriable || error.fatal || error.abortable {
                return Err(error);
            }
            if self.session.is_cancelled() {
                return Err(KafkaError::new(codes::DESTROY, "The producer was disconnected meanwhile"));
            }
            if self.deadline <= Instant::now() {
                return Err(error);
            }
            if began.elapsed() < PAUSE {
                thread::sleep(PAUSE);
            }
        }
    }
}

fn milliseconds(duration: Duration) -> i32 {
    duration.as_millis().clamp(1, i32::MAX as u128) as i32
}
