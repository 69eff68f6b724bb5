//! One file for each part that breaks.

mod audit;
mod carried;
mod disk;
mod forge;
mod hostile;
mod http;
mod nats;
mod peak;
mod postgres;
mod snapshots;
mod told;
mod torture;

use std::path::Path;
use std::sync::Once;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use hufu_field::{Follow, Scene, Settings};
use hufu_wire::UnixMillis;

/// Between two changes.
const PAUSE: Duration = Duration::from_millis(40);

/// A registry in SQLite and two engines that follow it over HTTP.
fn over_http() -> Result<Scene> {
    let mut scene = open(&Settings::default())?;
    let follow = Follow::registry(&scene.registry);
    for _ in 0..2 {
        scene.engine(&follow)?;
    }
    scene.agrees()?;
    Ok(scene)
}

fn open(settings: &Settings) -> Result<Scene> {
    provide();
    Scene::open(Path::new(env!("CARGO_BIN_EXE_hufu")), settings)
}

/// The process's TLS, for gates and whoever calls a registry.
fn provide() {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}

fn pause(seconds: f64) {
    thread::sleep(Duration::from_secs_f64(seconds));
}

/// This machine's clock.
fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
