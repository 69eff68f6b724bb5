//! The pages in a real browser, each with real processes behind it. A room for each page.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../common/mod.rs"]
mod common;

mod console;
mod demonstration;
mod holder;
mod school;
mod watched;
