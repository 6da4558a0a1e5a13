//! What producer, consumer and admin have in common: the callbacks, the first contact with the cluster, and its troubles.

#![deny(unsafe_code)]

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::error::{codes, KafkaError, KafkaResult};
use super::event::{ErrorEvent, Event, EventSink, LogEvent, TopicPartition};
use super::ffi::metadata::Scope;
use super::ffi::{self, Callbacks, Client, EventKind};
use super::runtime;

/// Shared by a client's event loop, librdkafka's callbacks and the calls from JavaScript.
pub struct Session {
    pub sink: Arc<dyn EventSink>,
    /// Wakes the event loop; a wake-up while it is busy is not lost.
    pub wake: Notify,
    trouble: Mutex<Trouble>,
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
            sink,
            wake: Notify::new(),
            trouble: Mutex::default(),
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
            if outcome.is_ok() {
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
        if self.connecting.load(Ordering::Acquire) {
            if let Ok(mut trouble) = self.trouble.lock() {
                let decisive = matches!(error.code, codes::AUTHENTICATION | codes::SSL) || error.fatal;
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
}

impl Callbacks for Session {
    fn log(&self, level: i32, facility: &str, message: &str) {
        let (facility, message) = (facility.to_owned(), message.to_owned());
        self.sink.emit(Event::Log(LogEvent { level, facility, message }));
    }

    fn wake(&self) {
        self.wake.notify_one();
    }
}

/// A connect whose client was closed meanwhile.
pub fn disconnected() -> KafkaError {
    KafkaError::new(codes::DESTROY, "Disconnected while connecting")
}
