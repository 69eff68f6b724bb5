//! Two keys of two authorities, or nothing (R21): every way to have less is refused with its own fault.

#[path = "../common/mod.rs"]
mod common;
mod scene;
mod schemes;
mod sets;
mod signing;
mod words;
