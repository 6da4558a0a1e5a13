//! The one threadsafe function of a client: events and replies reach JavaScript through it, in order.

use std::collections::HashMap;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use napi::bindgen_prelude::*;
use napi::sys;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use serde::Serialize;

use crate::core::error::{codes, KafkaError, KafkaResult};
use crate::core::event::{Done, Event, EventSink, FrameBuffer};

/// What `onEvent(kind, payload)` is called with; the table is in DESIGN.md.
pub type OnEvent<'a> = Function<'a, FnArgs<(u32,)>, ()>;

type Tsfn = ThreadsafeFunction<Signal, (), Signal, Status, false, true, 0>;

/// One crossing.
enum Signal {
    Event(Event),
    Reply(Reply),
}

struct Reply {
    promise: u64,
    outcome: KafkaResult<Payload>,
    then: Then,
    bridge: Arc<Bridge>,
}

/// What a promise resolves with.
pub enum Payload {
    Undefined,
    Json(String),
}

impl From<()> for Payload {
    fn from((): ()) -> Payload {
        Payload::Undefined
    }
}

/// What becomes of the client's hold on the process once the reply is given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Nothing,
    /// A failed connect: nothing is open, so the process may end.
    LetGoOnError,
    /// A close: no event can come any more.
    Release,
}

pub struct Bridge {
    tsfn: RwLock<Option<Tsfn>>,
    promises: Mutex<Promises>,
    hook: Mutex<Option<Hook>>,
}

/// Promises that are not settled, by number. Touched on the JavaScript thread alone.
#[derive(Default)]
struct Promises {
    last: u64,
    open: HashMap<u64, sys::napi_deferred>,
}

// SAFETY: the deferreds are only used on the JavaScript thread.
unsafe impl Send for Promises {}

/// The environment's cleanup hook of one client: a `Box<End>`, owned by the environment until it is taken back.
struct Hook(*mut End);

// SAFETY: only used on the JavaScript thread.
unsafe impl Send for Hook {}

struct End {
    core: Arc<dyn Abandon>,
    bridge: Arc<Bridge>,
}

/// A core object that can be given up without waiting.
pub trait Abandon: Send + Sync + 'static {
    fn abandon(&self);
}

impl EventSink for Bridge {
    fn emit(&self, event: Event) {
        self.send(Signal::Event(event));
    }
}

impl Bridge {
    /// Does not keep the process alive until `hold`.
    pub fn new(on_event: &OnEvent) -> napi::Result<Arc<Bridge>> {
        let tsfn = on_event
            .build_threadsafe_function::<Signal>()
            .weak::<true>()
            .callee_handled::<false>()
            .build_callback(|context| Ok(context.value))?;
        Ok(Arc::new(Bridge { tsfn: RwLock::new(Some(tsfn)), promises: Mutex::default(), hook: Mutex::default() }))
    }

    fn send(&self, signal: Signal) {
        // Held during the call, which never blocks: `release` cannot pull the function away under it.
        if let Some(tsfn) = &*self.tsfn.read().unwrap_or_else(PoisonError::into_inner) {
            tsfn.call(signal, ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// From now on the process stays alive, as with an open socket.
    pub fn hold(&self, env: &Env) {
        if let Some(tsfn) = &*self.tsfn.read().unwrap_or_else(PoisonError::into_inner) {
            // SAFETY: on the JavaScript thread, with a live function.
            unsafe { sys::napi_ref_threadsafe_function(env.raw(), tsfn.raw()) };
        }
    }

    fn let_go(&self, env: sys::napi_env) {
        if let Some(tsfn) = &*self.tsfn.read().unwrap_or_else(PoisonError::into_inner) {
            // SAFETY: as above.
            unsafe { sys::napi_unref_threadsafe_function(env, tsfn.raw()) };
        }
    }

    /// Has the client end with its environment when nobody closes it: a worker that is terminated, a process that exits. The
    /// hook runs before the threadsafe function goes, as hooks run in reverse.
    pub fn end_with(self: &Arc<Self>, env: &Env, core: &Arc<impl Abandon>) -> napi::Result<()> {
        let mut hook = lock(&self.hook);
        if hook.is_some() {
            return Ok(());
        }
        let core = Arc::clone(core) as Arc<dyn Abandon>;
        let end = Box::into_raw(Box::new(End { core, bridge: Arc::clone(self) }));
        // SAFETY: on the JavaScript thread; the box stays until the hook runs or is taken back.
        let status = unsafe { sys::napi_add_env_cleanup_hook(env.raw(), Some(on_environment_end), end.cast()) };
        if let Err(error) = check_status!(status) {
            // SAFETY: refused, so nobody else owns it.
            drop(unsafe { Box::from_raw(end) });
            return Err(error);
        }
        *hook = Some(Hook(end));
        Ok(())
    }

    /// The client is closed: the hook and the function go, and what still waits for an answer is told that there is none.
    fn finish(&self, env: sys::napi_env) {
        let open = std::mem::take(&mut lock(&self.promises).open);
        for deferred in open.into_values() {
            let error = KafkaError::new(codes::DESTROY, "The client was disconnected while the call was under way");
            // SAFETY: on the JavaScript thread; each is settled once, because it left the table.
            if let Ok(object) = error_object(env, &error) {
                unsafe { sys::napi_reject_deferred(env, deferred, object) };
            }
        }
        if let Some(Hook(end)) = lock(&self.hook).take() {
            // SAFETY: registered by `end_with` and not yet run, or it would have been taken.
            unsafe {
                sys::napi_remove_env_cleanup_hook(env, Some(on_environment_end), end.cast());
                drop(Box::from_raw(end));
            }
        }
        self.release();
    }

    /// Nothing crosses any more.
    pub fn release(&self) {
        let tsfn = self.tsfn.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(tsfn);
    }

    /// A promise, and the function that settles it from any thread.
    pub fn promise<'env, T: 'static>(
        self: &Arc<Self>,
        env: &'env Env,
        then: Then,
        payload: impl FnOnce(T) -> Payload + Send + 'static,
    ) -> napi::Result<(Unknown<'env>, Done<T>)> {
        let (mut deferred, mut promise) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: on the JavaScript thread; both are out parameters.
        let value = unsafe {
            check_status!(sys::napi_create_promise(env.raw(), &mut deferred, &mut promise))?;
            Unknown::from_raw_unchecked(env.raw(), promise)
        };
        let mut promises = lock(&self.promises);
        promises.last += 1;
        let number = promises.last;
        promises.open.insert(number, deferred);
        let reply = Deferred(Some((number, Arc::clone(self), then)));
        Ok((value, Box::new(move |outcome: KafkaResult<T>| reply.settle(outcome.map(payload)))))
    }

    /// A promise of nothing but success.
    pub fn promise_of_nothing<'env>(
        self: &Arc<Self>,
        env: &'env Env,
        then: Then,
    ) -> napi::Result<(Unknown<'env>, Done<()>)> {
        self.promise(env, then, Payload::from)
    }

    /// A promise of a document, as JSON text.
    pub fn promise_of_json<'env, T: Serialize + 'static>(
        self: &Arc<Self>,
        env: &'env Env,
    ) -> napi::Result<(Unknown<'env>, Done<T>)> {
        self.promise(env, Then::Nothing, |value: T| Payload::Json(json(&value)))
    }
}

/// A promise to settle, from any thread. Dropped unsettled, which only a panic can bring about, it rejects.
struct Deferred(Option<(u64, Arc<Bridge>, Then)>);

impl Deferred {
    fn settle(mut self, outcome: KafkaResult<Payload>) {
        self.send(outcome);
    }

    fn send(&mut self, outcome: KafkaResult<Payload>) {
        if let Some((promise, bridge, then)) = self.0.take() {
            bridge.send(Signal::Reply(Reply { promise, outcome, then, bridge: Arc::clone(&bridge) }));
        }
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        self.send(Err(KafkaError::new(codes::FAIL, PANIC)));
    }
}

impl JsValuesTupleIntoVec for Signal {
    fn into_vec(self, env: sys::napi_env) -> napi::Result<Vec<sys::napi_value>> {
        let crossing = catch_unwind(AssertUnwindSafe(|| match self {
            Signal::Event(event) => event_arguments(env, event),
            Signal::Reply(reply) => settle(env, reply).and_then(|()| Ok(vec![number(env, 0)?, undefined(env)?])),
        }));
        crossing.unwrap_or_else(|_| Err(Error::new(Status::GenericFailure, PANIC)))
    }
}

const PANIC: &str = concat!("kafka-oxide ", env!("CARGO_PKG_VERSION"), ": an internal error; please report it");

unsafe extern "C" fn on_environment_end(end: *mut std::ffi::c_void) {
    // SAFETY: the box of `end_with`; `finish` would have taken it back.
    let end = Box::from_raw(end.cast::<End>());
    let _ = catch_unwind(AssertUnwindSafe(|| {
        lock(&end.bridge.hook).take();
        end.bridge.release();
        end.core.abandon();
    }));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn event_arguments(env: sys::napi_env, event: Event) -> napi::Result<Vec<sys::napi_value>> {
    let (kind, payload) = match event {
        Event::Frame(frame) => (1, frame_bytes(env, frame)?),
        Event::Deliveries => (2, undefined(env)?),
        Event::Rebalance(rebalance) => (3, string(env, &json(&rebalance))?),
        Event::Error(error) => (4, string(env, &json(&error))?),
        Event::Log(log) => (5, string(env, &json(&log))?),
        Event::Statistics(text) => (6, string(env, &text)?),
        Event::TokenRefresh(text) => (7, string(env, &text)?),
        Event::Requests(observer) => (8, string(env, &json(&observer.take()))?),
    };
    Ok(vec![number(env, kind)?, payload])
}

fn settle(env: sys::napi_env, reply: Reply) -> napi::Result<()> {
    let Reply { promise, outcome, then, bridge } = reply;
    let deferred = lock(&bridge.promises).open.remove(&promise);
    match then {
        Then::LetGoOnError if outcome.is_err() => bridge.let_go(env),
        Then::Release => bridge.finish(env),
        _ => {}
    }
    // Without one, a close has settled it already.
    let Some(deferred) = deferred else { return Ok(()) };
    // SAFETY: on the JavaScript thread, each deferred is settled once.
    unsafe {
        match outcome {
            Ok(Payload::Undefined) => check_status!(sys::napi_resolve_deferred(env, deferred, undefined(env)?)),
            Ok(Payload::Json(text)) => {
                check_status!(sys::napi_resolve_deferred(env, deferred, string(env, &text)?))
            }
            Err(error) => check_status!(sys::napi_reject_deferred(env, deferred, error_object(env, &error)?)),
        }
    }
}

/// The boundary's error: plain data. JavaScript makes the class, in the user's realm and with the user's stack.
fn error_object(env: sys::napi_env, error: &KafkaError) -> napi::Result<sys::napi_value> {
    let boolean = |value| {
        let mut result = std::ptr::null_mut();
        // SAFETY: on the JavaScript thread, here and below.
        check_status!(unsafe { sys::napi_get_boolean(env, value, &mut result) })?;
        Ok::<_, Error>(result)
    };
    let mut object = std::ptr::null_mut();
    unsafe {
        check_status!(sys::napi_create_object(env, &mut object))?;
        let mut code = std::ptr::null_mut();
        check_status!(sys::napi_create_int32(env, error.code, &mut code))?;
        for (name, value) in [
            (c"code", code),
            (c"name", string(env, &error.name)?),
            (c"message", string(env, &error.message)?),
            (c"fatal", boolean(error.fatal)?),
            (c"retriable", boolean(error.retriable)?),
            (c"abortable", boolean(error.abortable)?),
        ] {
            check_status!(sys::napi_set_named_property(env, object, name.as_ptr(), value))?;
        }
    }
    Ok(object)
}

/// Throws boundary data from a synchronous method.
pub fn throw(env: &Env, error: &KafkaError) -> Error {
    let thrown = error_object(env.raw(), error).and_then(|object| {
        // SAFETY: on the JavaScript thread.
        check_status!(unsafe { sys::napi_throw(env.raw(), object) })
    });
    match thrown {
        Ok(()) => Error::new(Status::PendingException, String::new()),
        Err(error) => error,
    }
}

pub fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

fn undefined(env: sys::napi_env) -> napi::Result<sys::napi_value> {
    let mut value = std::ptr::null_mut();
    // SAFETY: on the JavaScript thread, here and below.
    check_status!(unsafe { sys::napi_get_undefined(env, &mut value) })?;
    Ok(value)
}

fn number(env: sys::napi_env, number: u32) -> napi::Result<sys::napi_value> {
    let mut value = std::ptr::null_mut();
    check_status!(unsafe { sys::napi_create_uint32(env, number, &mut value) })?;
    Ok(value)
}

fn string(env: sys::napi_env, text: &str) -> napi::Result<sys::napi_value> {
    let mut value = std::ptr::null_mut();
    check_status!(unsafe { sys::napi_create_string_utf8(env, text.as_ptr().cast(), text.len() as isize, &mut value) })?;
    Ok(value)
}

/// Whether external buffers are refused here, which a runtime tells by its answer and a test can ask for.
static COPY_FRAMES: AtomicBool = AtomicBool::new(false);

pub fn force_copy(on: bool) {
    COPY_FRAMES.store(on, Ordering::Relaxed);
}

/// The frame without a copy; its memory is recycled when JavaScript has dropped the last view of it. Where the runtime
/// forbids external memory (Electron's sandbox) it is copied.
fn frame_bytes(env: sys::napi_env, frame: FrameBuffer) -> napi::Result<sys::napi_value> {
    if COPY_FRAMES.load(Ordering::Relaxed) {
        return copied_bytes(env, frame.bytes());
    }
    let (data, length) = (frame.bytes().as_ptr().cast_mut(), frame.bytes().len());
    let owner = Box::into_raw(Box::new(frame));
    let mut buffer = std::ptr::null_mut();
    // SAFETY: the memory lives in `owner` until the finalizer runs.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(env, data.cast(), length, Some(drop_frame), owner.cast(), &mut buffer)
    };
    if status == sys::Status::napi_ok {
        look_at_external_memory(env);
        return bytes_over(env, buffer, length);
    }
    // SAFETY: refused, so nobody else owns it.
    let frame = unsafe { Box::from_raw(owner) };
    if status == sys::Status::napi_no_external_buffers_allowed {
        COPY_FRAMES.store(true, Ordering::Relaxed);
    }
    copied_bytes(env, frame.bytes())
}

/// V8 counts the memory of external buffers, but looks at how much the young ones hold (32 MiB are too much) only when it
/// allocates one itself. Then a scavenge gives handled frames back; else they stay for a full collection, which 64 MiB more bring
/// about, and which costs far more.
fn look_at_external_memory(env: sys::napi_env) {
    let (mut data, mut buffer) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: on the JavaScript thread; both are out parameters. Should it fail, nothing was lost.
    unsafe { sys::napi_create_arraybuffer(env, 1, &mut data, &mut buffer) };
}

unsafe extern "C" fn drop_frame(_env: sys::napi_env, _data: *mut std::ffi::c_void, owner: *mut std::ffi::c_void) {
    let _ = catch_unwind(|| drop(Box::from_raw(owner.cast::<FrameBuffer>())));
}

fn copied_bytes(env: sys::napi_env, bytes: &[u8]) -> napi::Result<sys::napi_value> {
    let (mut data, mut buffer) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the new buffer has room for `bytes`.
    unsafe {
        check_status!(sys::napi_create_arraybuffer(env, bytes.len(), &mut data, &mut buffer))?;
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), data.cast(), bytes.len());
    }
    bytes_over(env, buffer, bytes.len())
}

fn bytes_over(env: sys::napi_env, buffer: sys::napi_value, length: usize) -> napi::Result<sys::napi_value> {
    let mut view = std::ptr::null_mut();
    let kind = sys::TypedarrayType::uint8_array;
    check_status!(unsafe { sys::napi_create_typedarray(env, kind, length, buffer, 0, &mut view) })?;
    Ok(view)
}
