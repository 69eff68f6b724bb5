//! Sockets around the spine: sealed UDP on worker threads, QUIC on one more, metrics on another.
//!
//! [`serve`] starts everything and hands back [`Running`], which can be asked for addresses and figures, told of
//! revocations, and stopped. Nothing here decides about a check; that is `hufu-check`'s.
//!
//! | thread | what it does |
//! | --- | --- |
//! | `hufu-udp-0`… | takes what its socket holds, checks it as a batch, sends the replies |
//! | `hufu-quic` | handshakes, enrolment, frames and datagrams of all connections |
//! | `hufu-metrics` | answers scrapes by reading the others' counters |

mod clock;
mod durable;
mod family;
mod fault;
mod meter;
mod metrics;
mod offline;
mod options;
pub mod profile;
mod quic;
mod running;
mod thread;
mod tls;
mod udp;

pub use clock::Clock;
pub use fault::ServeError;
pub use metrics::{Events, Exhibit, Family, Histogram, Labels, MetricsPage, NoEvents, Values};
pub use offline::Offline;
pub use options::{QuicOptions, ServeOptions, TlsParts, UdpOptions};
pub use running::{Figures, Running, serve, serve_by};
pub use tls::{ALPN, TlsFault};
