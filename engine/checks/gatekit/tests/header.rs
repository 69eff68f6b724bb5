//! The header that C programs include is the one of this library.

use std::path::Path;

/// `HUFU_HEADER=write` writes it.
#[test]
fn r60_the_header_is_made_from_the_library() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).expect("a configuration");
    let bindings = cbindgen::Builder::new()
        .with_src(folder.join("src/abi.rs"))
        .with_src(folder.join("src/lib.rs"))
        .with_config(config)
        .generate()
        .expect("a C interface");
    let mut made = Vec::new();
    bindings.write(&mut made);
    let file = folder.join("include/hufu_gate.h");
    if std::env::var("HUFU_HEADER").is_ok_and(|what| what == "write") {
        std::fs::write(&file, &made).expect("it can be written");
    }
    let there = std::fs::read_to_string(&file).expect("a header");
    assert_eq!(there, String::from_utf8_lossy(&made), "make it again with HUFU_HEADER=write");
}
