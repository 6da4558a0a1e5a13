//! librdkafka's own benchmark program, examples/rdkafka_performance.c, on the library that the addon links.

mod program;

extern "C" {
    fn performance_main(argc: std::ffi::c_int, argv: *mut *mut std::ffi::c_char) -> std::ffi::c_int;
}

fn main() {
    program::run(performance_main)
}
