//! The registry over HTTP: JSON for most bodies, signed bytes as they are, one endless body for a follower of
//! a chain. `docs/REGISTRY.md` tells what every route is for, `GET /v1/openapi.json` its exact shape.

mod admission;
mod clock;
mod convert;
mod document;
mod documents;
mod extract;
mod families;
mod feed;
mod figures;
mod guard;
mod handlers;
mod keyed_limit;
mod limits;
mod meters;
mod options;
mod pace;
mod phones;
mod problem;
mod range;
mod routes;
mod rules;
mod sending;
mod server;
mod snapshots;
mod state;
mod tally;
mod tls;
mod upkeep;

pub use documents::{Document, Documents};
pub use figures::{ChainFigures, FigureSource, Figures};
pub use keyed_limit::{Held, KeyedLimit};
pub use meters::Took;
pub use options::{ApiOptions, ServeFault, SnapshotLimits, TlsFiles};
pub use phones::{PhoneFigures, PhoneOptions, RunningPhones, serve_phones};
pub use range::RequestedRange;
pub use sending::hold_until_sent;
pub use server::{Front, Running, Source, check, serve, serve_routes};
pub use tally::Tally;

/// The OpenAPI document of this API as JSON, made from its handlers.
pub fn openapi() -> serde_json::Value {
    routes::document()
}
