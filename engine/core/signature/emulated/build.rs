//! Builds this package, and no other, with emulated lanes.

fn main() {
    println!("cargo::rustc-cfg=emulated_lanes");
    println!("cargo::rerun-if-changed=build.rs");
}
