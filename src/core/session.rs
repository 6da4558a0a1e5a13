//! What producer, consumer and admin have in common: the callbacks, the first contact with the cluster, and its troubles.

#![deny(unsafe_code)]

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::config::{Config, TOKEN_EVENTS};
use super::error::{codes, KafkaError, KafkaResult};
use super::event::{Done, ErrorEvent, Event, EventSink, LogEvent, Token, TopicPartition};
use super::ffi::metadata::Scope;
use super::ffi::{self, Callbacks, Client, EventKind};
use super::joins::JoinLog;
use super::producer::lock;
use super::requests::Observer;
use super::runtime;

/// Shared by a client's event loop, librdkafka's callbacks and the calls from JavaScript.
pub struct Session {
    pub sink: Arc<dyn EventSink>,
    /// Wakes the event loop; a wake-up while it is busy is not lost.
    pub wake: Notify,
    /// What is told of requests to brokers.
    pub observer: Arc<Observer>,
    pub joins: JoinLog,
    trouble: Mutex<Trouble>,
    /// For what JavaScript tells while connect() is still under way.
    client: Mutex<Weak<Client>>,
    /// Why a broker's certificate was refused last: OpenSSL's error says only that it was.
    refused: Mutex<Option<(String, String)>>,
    /// From the beginning: the first broker may have refused before anybody waits.
    connecting: AtomicBool,
    cancelled: AtomicBool,
}

/// What librdkafka said while the first contact was being made.
#[derive(Default)]
struct Trouble {
    last: Option<KafkaError>,
    /// Waiting longer would not help: wrong password, no common mechanism, a certificate that is not trusted.
    decisive: Option<KafkaError>,
}

impl Session {
    pub fn new(sink: Arc<dyn EventSink>) -> Arc<Session> {
        Arc::new(Session {
            observer: Observer::new(Arc::clone(&sink)),
            joins: JoinLog::default(),
            sink,
            wake: Notify::new(),
            trouble: Mutex::default(),
            client: Mutex::default(),
            refused: Mutex::default(),
            connecting: AtomicBool::new(true),
            cancelled: AtomicBool::new(false),
        })
    }

    /// Runs this client's event loop. Should it panic, that is told once, as a fatal error.
    pub fn run(self: &Arc<Self>, event_loop: impl Future<Output = ()> + Send + 'static) -> KafkaResult<()> {
        let session = Arc::clone(self);
        let panicked = move || {
            let text = concat!("kafka-oxide ", env!("CARGO_PKG_VERSION"), ": an event loop panicked; please report it");
            session.error(KafkaError { fatal: true, ..KafkaError::new(codes::FAIL, text) }, None);
        };
        match runtime::spawn(event_loop, panicked) {
            true => Ok(()),
            false => Err(KafkaError::state("The system gave no thread for the event loop")),
        }
    }

    /// Has the client ask for tokens, when that is how it authenticates.
    pub fn attach(&self, client: &Arc<Client>, config: &Config) -> KafkaResult<()> {
        *lock(&self.client) = Arc::downgrade(client);
        match config.get(TOKEN_EVENTS) {
            Some("true") => client.ask_for_tokens(),
            _ => Ok(()),
        }
    }

    /// Answers an `Event::TokenRefresh`: a token, or why there is none.
    pub fn token(self: &Arc<Self>, token: Result<Token, String>, done: Done<()>) {
        let session = Arc::clone(self);
        // Off the JavaScript thread: this may turn out to be the last hold on the handle.
        runtime::blocking(move || {
            let client = lock(&session.client).upgrade();
            let outcome = match (&client, token) {
                (None, _) => Err(disconnected()),
                (Some(client), Ok(token)) => client.set_token(&token),
                (Some(client), Err(reason)) => client.set_token_failure(&reason),
            };
            drop(client);
            done(outcome);
        });
    }

    /// Makes a `wait_ready` that is under way, and every later one, end soon.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Blocks until a broker has answered. The error is the reason, not the symptom.
    pub fn wait_ready(&self, client: &Arc<Client>, timeout_ms: u32) -> KafkaResult<()> {
        // Short at first, so that trouble and a cancel are noticed; longer then, because librdkafka forgets an answer that
        // comes after its slice and a distant cluster may need a second.
        const LONGEST: Duration = Duration::from_secs(2);
        let mut slice = Duration::from_millis(100);
        let deadline = Instant::now() + Duration::from_millis(timeout_ms.into());
        let result = loop {
            if self.is_cancelled() {
                break Err(disconnected());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let outcome = client.metadata(Scope::Local, left.min(slice).as_millis().max(1) as i32);
            if let Ok(metadata) = outcome {
                self.observer.know(&metadata.brokers);
                break Ok(());
            }
            slice = (slice * 2).min(LONGEST);
            let trouble = self.trouble.lock().map(|mut trouble| std::mem::take(&mut *trouble)).unwrap_or_default();
            if let Some(error) = trouble.decisive {
                break Err(error);
            }
            if left.is_zero() {
                let none = || KafkaError::timed_out(format!("No broker answered within {timeout_ms} ms"));
                break Err(trouble.last.unwrap_or_else(none));
            }
            // Not used up: the next round must still know it.
            if let (Some(error), Ok(mut slot)) = (trouble.last, self.trouble.lock()) {
                slot.last.get_or_insert(error);
            }
        };
        self.connecting.store(result.is_err(), Ordering::Release);
        result
    }

    /// Handles the events that every client has. The others come back.
    pub fn serve(&self, event: ffi::Event) -> Option<ffi::Event> {
        match event.kind() {
            EventKind::Error => self.error(event.error(), event.partition()),
            EventKind::Statistics => self.sink.emit(Event::Statistics(event.statistics())),
            EventKind::TokenRefresh => self.sink.emit(Event::TokenRefresh(event.token_config())),
            EventKind::Other => {}
            _ => return Some(event),
        }
        None
    }

    pub fn error(&self, error: KafkaError, partition: Option<(String, i32)>) {
        let error = self.explained(self.classified(error));
        if self.connecting.load(Ordering::Acquire) {
            if let Ok(mut trouble) = self.trouble.lock() {
                // Under TLS 1.3 a broker refuses a client's certificate after the handshake, by an alert.
                let alert = error.code == codes::TRANSPORT && error.message.contains("SSL alert number");
                let decisive = matches!(error.code, codes::AUTHENTICATION | codes::SSL) || alert || error.fatal;
                // "All brokers are down" is the consequence; what each broker said is the cause.
                if error.code != codes::ALL_BROKERS_DOWN {
                    trouble.last = Some(error.clone());
                }
                if decisive {
                    trouble.decisive.get_or_insert(error.clone());
                }
            }
        }
        let partition = partition.map(|(topic, partition)| TopicPartition { topic, partition });
        self.sink.emit(Event::Error(ErrorEvent { error, partition }));
    }

    /// librdkafka says "authentication" of every SASL handshake that fails, also of one that a connection's end cut off, and
    /// of one that comes too early: a broker lets a connection authenticate anew once a second. It connects again then.
    fn classified(&self, error: KafkaError) -> KafkaError {
        let connecting = self.connecting.load(Ordering::Acquire);
        let passes = error.code == codes::AUTHENTICATION
            && error.message.contains("mechanism handshake failed: ")
            && (error.message.contains("handshake failed: Local: ")
                || (!connecting && error.message.contains("Request not valid in current SASL state")));
        match passes {
            true => KafkaError::new(codes::TRANSPORT, error.message),
            false => error,
        }
    }

    /// A broker's TLS error with the reason why its certificate was refused, if that is what happened.
    fn explained(&self, error: KafkaError) -> KafkaError {
        if error.code != codes::SSL {
            return error;
        }
        let refused = lock(&self.refused).take_if(|(broker, _)| error.message.contains(broker.as_str()));
        match refused {
            None => error,
            Some((_, reason)) => {
                // librdkafka's advice is about its own properties.
                let text = error.message.split(": broker certificate could not be verified").next().unwrap_or_default();
                KafkaError { message: format!("{text}: {reason}"), ..error }
            }
        }
    }
}

impl Callbacks for Session {
    fn log(&self, level: i32, facility: &str, message: &str) {
        if self.joins.takes(level, message) {
            return;
        }
        let (facility, message) = (facility.to_owned(), message.to_owned());
        self.sink.emit(Event::Log(LogEvent { level, facility, message }));
    }

    fn wake(&self) {
        self.wake.notify_one();
    }

    fn token_needed(&self, config: &str) {
        self.sink.emit(Event::TokenRefresh(config.to_owned()));
    }

    fn certificate_refused(&self, broker: &str, reason: &str) {
        *lock(&self.refused) = Some((broker.to_owned(), reason.to_owned()));
    }

    fn observer(&self) -> Arc<Observer> {
        Arc::clone(&self.observer)
    }
}

/// A connect whose client was closed meanwhile.
pub fn disconnected() -> KafkaError {
    KafkaError::new(codes::DESTROY, "Disconnected while connecting")
}
