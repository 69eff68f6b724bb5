//! What becomes of ten times the load: each door of a deployment gets a share of a CPU, then 1, 2, 5 and 10 times what it can
//! do with it, and then peace.

mod door;
mod report;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, ValueEnum};
use hufu_contract::NewHolders;
use hufu_field::{Deployment, Engine, Follow, ISSUER, Rush, Scene, Service, Settings, Share, people};
use hufu_fixtures::World;
use hufu_fixtures::sites::MARKET;
use hufu_loadgen::{Carriage, CodeStock, Generator, QuicTarget};
use tokio::runtime::Builder;

use door::{Checks, Door, Http};
use report::{Curve, measure};

/// Offer each door of a deployment 1, 2, 5 and 10 times what it can answer
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// Only this door; may be given again
    #[arg(long, value_enum, value_name = "DOOR")]
    door: Vec<DoorName>,
    /// Percent of one CPU that the server gets, so that the generator has the rest
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(5..=100))]
    share: u32,
    /// Seconds of each load
    #[arg(long, value_name = "S", default_value_t = 3.0)]
    seconds: f64,
    /// The `hufu` that is measured, built with every feature [default: beside this program]
    #[arg(long, value_name = "FILE")]
    hufu: Option<PathBuf>,
    /// A drawing of the curves
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// One line of JSON for each door in place of a table
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  cargo xtask overload
  cargo xtask overload --door udp --door bridge --seconds 5
  cargo xtask overload --svg overload.svg --json";

/// Where load comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DoorName {
    /// Checks over sealed UDP
    Udp,
    /// Checks as QUIC datagrams
    Quic,
    /// Checks of HTTP terminals at a bridge
    Bridge,
    /// Credentials from a registry, as clerks ask
    Clerks,
    /// The socket of phones at a registry
    Phones,
    /// The console's page of signing in
    Console,
}

/// Holders, and phones that codes come from.
const WORLD: (u32, usize) = (50_000, 4_096);
/// People with a place in the registry.
const PEOPLE: u32 = 20_000;
const TERMINALS: u32 = 32;
const CONNECTIONS: usize = 256;
/// Addresses that phones and readers of the console come from.
const SOURCES: u8 = 64;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("overload: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool> {
    let hufu = hufu_field::begin(arguments.hufu.as_deref())?;
    let world = World::new(1, WORLD.0, hufu_files::moment::now().seconds());
    let phones = format!("phones = \"127.0.0.1:{}\"", hufu_field::free_port());
    // Room for every connection: what is turned away is turned away by the measure of requests.
    let room = "connections_max = 2048\nconnections_source_max = 2048\nrequests_max = 2048\nrequests_token_max = 2048";
    let settings = Settings { listen_more: format!("{phones}\n{room}"), ..Settings::default() };
    let mut scene = Scene::on(Deployment::of_world(&hufu, world)?, &settings)?;
    let follow = Follow::registry(&scene.registry);
    scene.engine(&follow)?;
    scene.agrees()?;
    let (mut curves, mut is_whole) = (Vec::new(), true);
    let chosen = |door: DoorName| arguments.door.is_empty() || arguments.door.contains(&door);
    for door in DoorName::value_variants().iter().copied().filter(|door| chosen(*door)) {
        eprintln!("overload: {door:?}");
        match open(door, &scene, arguments, &phones) {
            Ok(curve) => {
                curve.say(arguments.json, curves.is_empty());
                curves.push(curve);
            }
            // The other doors are measured all the same.
            Err(why) => {
                eprintln!("overload: {door:?}: {why:#}");
                is_whole = false;
            }
        }
    }
    if let Some(svg) = &arguments.svg {
        fs::write(svg, report::picture(&curves)).with_context(|| svg.display().to_string())?;
    }
    let faults: Vec<_> = curves.iter().flat_map(Curve::faults).collect();
    for fault in &faults {
        eprintln!("overload: {fault}");
    }
    scene.end()?;
    Ok(is_whole && faults.is_empty())
}

/// Opens a door, limits who stands behind it, and measures.
fn open(door: DoorName, scene: &Scene, arguments: &Arguments, phones: &str) -> Result<Curve> {
    let Scene { deployment, registry, engines, .. } = scene;
    let engine = engines.first().context("an engine")?;
    let base = Rush { connections: CONNECTIONS, ..Rush::at(deployment, registry, PEOPLE)? };
    let host = "HTTP/1.1\r\nhost: localhost\r\n";
    let mut service = None;
    let (pid, mut opened): (u32, Box<dyn Door>) = match door {
        DoorName::Udp => {
            let generator = hufu_field::generator(deployment, engine.control(), WORLD.1)?;
            (engine.pid()?, Box::new(Checks::new(generator)?))
        }
        DoorName::Quic => (engine.pid()?, Box::new(Checks::new(over_quic(deployment, engine)?)?)),
        DoorName::Bridge => {
            let bridge = service.insert(Service::bridge(deployment, engine, TERMINALS)?);
            let code = deployment.codes()?.swap_remove(0);
            let body = format!("{{\"code\":\"{code}\"}}");
            let asks = (0..TERMINALS).map(|terminal| {
                let (token, length) = (Service::token(terminal), body.len());
                format!("POST /v1/check {host}authorization: Bearer {token}\r\ncontent-length: {length}\r\n\r\n{body}")
            });
            (bridge.pid(), Box::new(Http(base.to(bridge.address(), false, asks.collect()))))
        }
        DoorName::Clerks => {
            let api = registry.api(deployment)?;
            let runtime = Builder::new_current_thread().enable_all().build()?;
            for holders in people(0..PEOPLE).chunks(4000) {
                let holders = NewHolders { holders: holders.to_vec(), seen_by_clerk: false };
                runtime.block_on(api.register_holders(ISSUER, &holders))?;
            }
            (registry.pid()?, Box::new(Http(base)))
        }
        DoorName::Phones => {
            let address = phones.split('"').nth(1).context("an address")?.parse()?;
            let ask = format!("GET /phone/v1/about {host}\r\n");
            // Without a certificate of their own they are served on this machine alone, and without TLS.
            let rush = Rush { sources: SOURCES, ..base.to(address, false, vec![ask]) };
            (registry.pid()?, Box::new(Http(rush)))
        }
        DoorName::Console => {
            let console = service.insert(Service::console(deployment, engine, registry)?);
            let ask = format!("GET /login {host}\r\n");
            // It takes a hundred requests a second from one address.
            let rush = Rush { sources: SOURCES, ..base.to(console.address(), false, vec![ask]) };
            (console.pid(), Box::new(Http(rush)))
        }
    };
    let share = Share::limit(pid, arguments.share);
    if let Err(why) = &share {
        eprintln!("overload: the server gets all it can: {why:#}");
    }
    let name = format!("{door:?}").to_lowercase();
    let curve = measure(&name, opened.as_mut(), arguments.seconds)?;
    ensure!(curve.capacity > 0.0, "nothing was answered");
    drop(share);
    Ok(curve)
}

fn over_quic(deployment: &Deployment, engine: &Engine) -> Result<Generator> {
    let world = deployment.world().context("a load needs a world")?.clone();
    let stock = CodeStock::with_phones(world, MARKET, WORLD.1, &|_, _| {});
    let identities = deployment.load_gates()?;
    let target = QuicTarget { server: engine.control(), name: "engine.hufu".to_owned(), identities };
    Ok(Generator::over_quic(stock, target, Carriage::Datagrams))
}
