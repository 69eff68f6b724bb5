//! The shared library's name for the loader: the number changes when a program that was linked before would not run any
//! more.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libhufu_gate.so.0");
    }
}
