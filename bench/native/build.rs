//! Compiles librdkafka's own benchmark program out of the source that the linked library was made from, and awaited.c.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var_os("DEP_RDKAFKA_ROOT").expect("rdkafka-sys says where it built librdkafka"));
    let source = source_of(&root.join("build"));
    // The names of their main functions: each program calls its own (src/lib.rs).
    program("performance", &source.join("examples/rdkafka_performance.c"), &root, &source);
    program("awaited", Path::new("awaited.c"), &root, &source);
}

/// Where CMake found librdkafka when it built what is linked here.
fn source_of(build: &Path) -> PathBuf {
    let cache = fs::read_to_string(build.join("CMakeCache.txt")).expect("librdkafka is built by CMake");
    let home = cache.lines().find_map(|line| line.strip_prefix("CMAKE_HOME_DIRECTORY:INTERNAL="));
    PathBuf::from(home.expect("CMake notes where its source is"))
}

fn program(name: &str, file: &Path, root: &Path, source: &Path) {
    let generated = root.join("build/generated");
    println!("cargo:rerun-if-changed={}", file.display());
    cc::Build::new()
        .file(file)
        .define("main", format!("{name}_main").as_str())
        // rd.h asks for "../config.h"; librdkafka's CMakeLists.txt has the folder `dummy` for that.
        .include(generated.join("dummy"))
        .include(&generated)
        .include(source.join("src"))
        .opt_level(3)
        .warnings(false)
        .compile(&format!("bench_{name}"));
}
