//! Requests to the cluster that are neither produce nor consume.

#![deny(unsafe_code)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};

use super::config::Config;
use super::consumer::read_metadata;
use super::error::{codes, KafkaError, KafkaResult};
use super::event::{Done, EventSink, Token};
use super::ffi::admin::{AnyOperation, Request};
use super::ffi::metadata::{BrokerMetadata, TopicMetadata};
use super::ffi::{Client, EventKind, Kind, Queue, Topic};
use super::groups;
use super::producer::lock;
use super::runtime;
use super::session::{disconnected, Session};

pub struct Admin {
    config: Config,
    session: Arc<Session>,
    link: Mutex<Option<Link>>,
}

#[derive(Clone)]
struct Link {
    client: Arc<Client>,
    commands: UnboundedSender<Command>,
}

/// An operation under way: what it is, for reading its result, and who is waiting.
struct Call {
    operation: Box<dyn AnyOperation>,
    timeout_ms: u32,
    done: Done<Value>,
}

enum Command {
    Request(Call),
    Close(Done<()>),
    Abandon,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterMetadata {
    pub brokers: Vec<BrokerMetadata>,
    /// -1 when the cluster did not say.
    pub controller_id: i32,
    pub cluster_id: Option<String>,
    pub topics: Vec<TopicMetadata>,
}

impl Admin {
    pub fn new(config: Config, sink: Arc<dyn EventSink>) -> KafkaResult<Admin> {
        super::ffi::client::check_config(&config)?;
        Ok(Admin { config, session: Session::new(sink), link: Mutex::default() })
    }

    pub fn connect(self: &Arc<Self>, timeout_ms: u32, done: Done<()>) {
        let admin = Arc::clone(self);
        runtime::blocking(move || done(admin.open(timeout_ms)));
    }

    fn open(&self, timeout_ms: u32) -> KafkaResult<()> {
        if lock(&self.link).is_some() {
            return Ok(());
        }
        let client = Client::new(Kind::Producer, &self.config, self.session.clone())?;
        let (mut main, mut results) = (client.main_queue(), client.new_queue());
        main.enable_wake();
        results.enable_wake();
        // What came before the wake-up was enabled wakes nobody.
        self.session.wake.notify_one();
        let (commands, receiver) = unbounded_channel();
        let session = Arc::clone(&self.session);
        let event_loop =
            EventLoop { client: Arc::clone(&client), session, main, results, pending: HashMap::new(), next: 0 };
        self.session.run(event_loop.run(receiver))?;
        let attached = self.session.attach(&client, &self.config);
        let ready = attached.and_then(|()| self.session.wait_ready(&client, timeout_ms));
        let mut slot = lock(&self.link);
        // Under the lock: a close either finds the link or has cancelled before.
        if ready.is_ok() && !self.session.is_cancelled() {
            *slot = Some(Link { client, commands });
            return Ok(());
        }
        drop(slot);
        drop(client);
        let _ = commands.send(Command::Abandon);
        ready.and(Err(disconnected()))
    }

    /// What JavaScript listens to from now on, bits of `requests::wanted`. Gives back how many requests were observed so far.
    pub fn observe(&self, mask: u32) -> u32 {
        self.session.observer.observe(mask)
    }

    /// The answer is what the operation's result serializes to.
    pub fn request(&self, request: Request, timeout_ms: u32, done: Done<Value>) {
        let command = Command::Request(Call { operation: request.into_operation(), timeout_ms, done });
        let refused = match &*lock(&self.link) {
            None => Some(command),
            Some(link) => link.commands.send(command).err().map(|refused| refused.0),
        };
        if let Some(Command::Request(call)) = refused {
            (call.done)(Err(not_connected()));
        }
    }

    pub fn list_groups(&self, timeout_ms: u32, done: Done<Vec<groups::Listing>>) {
        self.blocking(done, move |client| groups::list(client, timeout_ms));
    }

    pub fn describe_groups(&self, names: Vec<String>, timeout_ms: u32, done: Done<Vec<groups::Description>>) {
        self.blocking(done, move |client| groups::describe(client, names, timeout_ms));
    }

    /// Of all topics, or of those named.
    pub fn metadata(&self, topics: Option<Vec<String>>, timeout_ms: u32, done: Done<ClusterMetadata>) {
        self.blocking(done, move |client| {
            let handles = topics.map(|names| {
                names.iter().map(|name| Topic::new(client, name, &[]).map(Arc::new)).collect::<KafkaResult<Vec<_>>>()
            });
            let metadata = read_metadata(client, handles.transpose()?, timeout_ms)?;
            Ok(ClusterMetadata {
                brokers: metadata.brokers,
                controller_id: client.controller_id(1000),
                cluster_id: client.cluster_id(1000),
                topics: metadata.topics,
            })
        });
    }

    fn blocking<T: Send + 'static>(
        &self,
        done: Done<T>,
        work: impl FnOnce(&Arc<Client>) -> KafkaResult<T> + Send + 'static,
    ) {
        match lock(&self.link).as_ref().map(|link| Arc::clone(&link.client)) {
            None => done(Err(not_connected())),
            Some(client) => runtime::blocking(move || {
                let answer = work(&client);
                drop(client);
                done(answer);
            }),
        }
    }

    pub fn close(&self, done: Done<()>) {
        self.session.cancel();
        match lock(&self.link).take() {
            None => done(Ok(())),
            Some(Link { client, commands }) => {
                drop(client);
                if let Err(refused) = commands.send(Command::Close(done)) {
                    if let Command::Close(done) = refused.0 {
                        done(Ok(()));
                    }
                }
            }
        }
    }

    /// Answers an `Event::TokenRefresh`.
    pub fn token(&self, token: Result<Token, String>, done: Done<()>) {
        self.session.token(token, done);
    }

    pub fn abandon(&self) {
        self.session.cancel();
        if let Some(link) = lock(&self.link).take() {
            let _ = link.commands.send(Command::Abandon);
        }
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.abandon();
    }
}

fn not_connected() -> KafkaError {
    KafkaError::state("The admin client is not connected")
}

struct EventLoop {
    client: Arc<Client>,
    session: Arc<Session>,
    main: Queue,
    results: Queue,
    pending: HashMap<u64, Call>,
    next: u64,
}

impl EventLoop {
    async fn run(mut self, mut commands: UnboundedReceiver<Command>) {
        let session = Arc::clone(&self.session);
        let closed = loop {
            tokio::select! {
                _ = session.wake.notified() => {}
                command = commands.recv() => match command {
                    Some(Command::Request(call)) => self.send(call),
                    Some(Command::Close(done)) => break Some(done),
                    Some(Command::Abandon) | None => break None,
                },
            }
            while let Some(event) = self.main.poll() {
                self.session.serve(event);
            }
            while let Some(event) = self.results.poll() {
                if let EventKind::Result = event.kind() {
                    if let Some(call) = self.pending.remove(&event.opaque()) {
                        (call.done)(call.operation.answer(&event));
                    }
                }
            }
        };
        self.end(closed);
    }

    fn send(&mut self, call: Call) {
        self.next += 1;
        match call.operation.send(&self.client, call.timeout_ms, &self.results, self.next) {
            Ok(()) => drop(self.pending.insert(self.next, call)),
            Err(error) => (call.done)(Err(error)),
        }
    }

    fn end(self, closed: Option<Done<()>>) {
        let EventLoop { client, main, results, pending, .. } = self;
        for call in pending.into_values() {
            let text = "The admin client was disconnected while the request was under way";
            (call.done)(Err(KafkaError::new(codes::DESTROY, text)));
        }
        runtime::blocking(move || {
            drop((main, results));
            drop(client);
            if let Some(done) = closed {
                done(Ok(()));
            }
        });
    }
}
