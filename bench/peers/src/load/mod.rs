//! Load: paced or as fast as the server answers, every answer checked.

mod codes;
mod http;
mod pace;
mod sample;
mod udp;

pub use codes::{Codes, PHONES, Show};
pub use http::Http;
pub use pace::Pace;
pub use sample::Sample;
pub use udp::{Plain, Protocol, Sealed, Udp};
