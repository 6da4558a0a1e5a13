//! Runs the main function of a C program and says what it cost.

use std::ffi::{c_char, c_int, CString};
use std::{env, process, ptr};

// Links librdkafka, which nothing in Rust calls here.
extern crate rdkafka as _;

type Main = unsafe extern "C" fn(c_int, *mut *mut c_char) -> c_int;

/// Calls `main` with the arguments of this process and ends with its code. The last line on stderr is
/// `{"cpu":<s, user and system>,"rss":<peak, bytes>}`, of the whole process.
pub fn run(main: Main) -> ! {
    let arguments = env::args_os().map(|argument| CString::new(argument.into_encoded_bytes()));
    let arguments: Vec<CString> = arguments.collect::<Result<_, _>>().expect("an argument holds no zero byte");
    let mut argv: Vec<*mut c_char> = arguments.into_iter().map(CString::into_raw).collect();
    let argc = c_int::try_from(argv.len()).expect("fewer arguments than that");
    argv.push(ptr::null_mut());
    // SAFETY: `argv` holds `argc` strings that live and may be written to until the process ends, and then null.
    let code = unsafe { main(argc, argv.as_mut_ptr()) };
    eprintln!("{}", costs());
    process::exit(code)
}

#[cfg(unix)]
fn costs() -> String {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the call fills the structure that it is given, and zeroes are a valid one should it fail.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    // Linux counts KiB, macOS bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    format!("{{\"cpu\":{cpu:.6},\"rss\":{}}}", usage.ru_maxrss as i64 * unit)
}

#[cfg(not(unix))]
fn costs() -> String {
    "{}".to_string()
}
