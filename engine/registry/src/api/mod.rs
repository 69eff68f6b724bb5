//! The registry over HTTP.

pub mod types;
