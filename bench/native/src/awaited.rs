//! awaited.c: one message at a time, its delivery report awaited.

mod program;

extern "C" {
    fn awaited_main(argc: std::ffi::c_int, argv: *mut *mut std::ffi::c_char) -> std::ffi::c_int;
}

fn main() {
    program::run(awaited_main)
}
