//! What opens a gate: a line of a GPIO chip, or a relay that takes bytes. It opens at an admission for a time that the
//! configuration says, and is shut at the start, at the end and after every fault.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use gpiocdev::Request;
use gpiocdev::line::Value;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::RETRY;
use super::config::{GpioConfig, LaneConfig, RelayConfig};
use super::source;

/// A relay in the hands of a thread of its own: nothing that a lane waits for keeps it open.
pub(crate) struct Relay {
    orders: Sender<Order>,
    thread: JoinHandle<()>,
}

/// How a lane asks for a pulse.
#[derive(Clone)]
pub(crate) struct Opener(Sender<Order>);

enum Order {
    /// Open, because of an admission at this moment.
    Open(Instant),
    /// Shut, and stop.
    End,
}

/// How a relay is reached.
enum Wiring {
    Gpio { chip: PathBuf, line: u32, active_low: bool },
    Serial { path: PathBuf, baud: u32, open: Vec<u8>, shut: Vec<u8> },
}

/// A relay that can be set.
enum Contact {
    Gpio(Request),
    Serial { line: File, open: Vec<u8>, shut: Vec<u8> },
}

impl Relay {
    /// Shuts every relay of a lane, and waits for admissions.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start_all(lane: &LaneConfig) -> std::io::Result<Vec<Relay>> {
        let gpio = lane.gpio.clone().map(|GpioConfig { chip, line, active_low, pulse_ms }| {
            (Wiring::Gpio { chip, line: line.into_inner(), active_low }, pulse_ms)
        });
        let serial = lane.relay.clone().map(|RelayConfig { serial, baud, open, shut, pulse_ms }| {
            let (path, baud) = (serial.into_inner(), baud.into_inner());
            (Wiring::Serial { path, baud, open: open.0, shut: shut.0 }, pulse_ms)
        });
        let start = |(wiring, pulse_ms): (Wiring, toml::Spanned<u64>)| {
            let (orders, told) = channel();
            let pulse = Duration::from_millis(pulse_ms.into_inner());
            let name = format!("lane {}: relay {}", lane.number.get_ref(), wiring.name());
            let work = move || obey(&wiring, pulse, &name, &told);
            let thread = thread::Builder::new().name("hufu-relay".to_owned()).spawn(work)?;
            Ok(Relay { orders, thread })
        };
        gpio.into_iter().chain(serial).map(start).collect()
    }

    /// What a lane opens it with.
    pub(crate) fn opener(&self) -> Opener {
        Opener(self.orders.clone())
    }

    /// Shuts it; returns once it is shut.
    pub(crate) fn end(self) {
        // Fails, as the wait does, when the thread has ended by a panic: the relay was shut then.
        let _ = self.orders.send(Order::End);
        let _ = self.thread.join();
    }
}

impl Opener {
    /// Opens it for its time, which begins again when it is open.
    pub(crate) fn open(&self) {
        if self.0.send(Order::Open(Instant::now())).is_err() {
            tracing::error!("a relay's thread has stopped: the gate stays shut");
        }
    }
}

/// Does what it is told until the end, and shuts after `pulse` by itself.
fn obey(wiring: &Wiring, pulse: Duration, name: &str, orders: &Receiver<Order>) {
    let mut contact: Option<Contact> = None;
    let mut until: Option<Instant> = None;
    let mut said = String::new();
    loop {
        if contact.is_none() {
            match wiring.open() {
                Ok(found) => {
                    contact = Some(found);
                    tracing::info!("{name}: shut");
                    said.clear();
                }
                Err(why) if why.to_string() != said => {
                    said = why.to_string();
                    tracing::error!("{name}: {said}; it is looked for every {} ms", RETRY.as_millis());
                }
                Err(_) => {}
            }
        }
        let wait = until.map_or(RETRY, |until| until.saturating_duration_since(Instant::now()));
        let admitted = match orders.recv_timeout(wait) {
            // An admission that waited for a relay is over: its holder may have gone.
            Ok(Order::Open(at)) if at.elapsed() < pulse => contact.is_some().then_some(at),
            Ok(Order::Open(_)) => {
                tracing::error!(
                    "{name}: an admission came too late to the relay, and does not open the gate"
                );
                continue;
            }
            Err(RecvTimeoutError::Timeout) if until.is_none() => {
                // Otherwise only the next admission would show that it is gone.
                contact = contact.filter(|contact| !contact.is_gone());
                continue;
            }
            Err(RecvTimeoutError::Timeout) => None,
            // It is shut when it is dropped.
            Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => return,
        };
        let mut set = contact.as_mut().map(|contact| contact.set(admitted.is_some()));
        if let (Some(at), Some(Err(why))) = (admitted, &set) {
            // It may be back by now. A line has one owner: the one that is gone is closed first.
            tracing::warn!("{name}: {why}; it is looked for at once");
            drop(contact.take());
            contact = wiring.open().ok().filter(|_| at.elapsed() < pulse);
            set = contact.as_mut().map(|contact| contact.set(true));
        }
        until = match set {
            Some(Ok(())) => admitted.map(|_| Instant::now() + pulse),
            // It is opened again, and shut then.
            Some(Err(why)) => {
                tracing::error!("{name}: {why}");
                contact = None;
                None
            }
            None => {
                tracing::error!("{name}: an admission does not open the gate: the relay is not there");
                None
            }
        };
    }
}

impl Wiring {
    fn name(&self) -> String {
        match self {
            Wiring::Gpio { chip, line, .. } => format!("{} line {line}", chip.display()),
            Wiring::Serial { path, .. } => path.display().to_string(),
        }
    }

    /// The relay, shut.
    fn open(&self) -> anyhow::Result<Contact> {
        match self {
            Wiring::Gpio { chip, line, active_low } => {
                let mut request = Request::builder();
                request.on_chip(chip).with_consumer("hufu gate").with_line(*line).as_output(Value::Inactive);
                if *active_low {
                    request.as_active_low();
                }
                Ok(Contact::Gpio(request.request()?))
            }
            Wiring::Serial { path, baud, open, shut } => {
                let line = source::serial(path, *baud)?;
                let mut contact = Contact::Serial { line, open: open.clone(), shut: shut.clone() };
                contact.set(false)?;
                Ok(contact)
            }
        }
    }
}

impl Contact {
    /// Whether its device is there no longer.
    fn is_gone(&self) -> bool {
        let device = match self {
            Contact::Gpio(request) => request.as_fd(),
            Contact::Serial { line, .. } => line.as_fd(),
        };
        let no_wait = Timespec { tv_sec: 0, tv_nsec: 0 };
        // Where nothing is asked for, only a hang-up and an error are told.
        poll(&mut [PollFd::from_borrowed_fd(device, PollFlags::empty())], Some(&no_wait))
            .is_ok_and(|told| told > 0)
    }

    fn set(&mut self, is_open: bool) -> anyhow::Result<()> {
        match self {
            Contact::Gpio(line) => {
                line.set_lone_value(if is_open { Value::Active } else { Value::Inactive })?;
            }
            // The line does not block: nothing waits for a relay that takes nothing.
            Contact::Serial { line, open, shut } => line.write_all(if is_open { open } else { shut })?,
        }
        Ok(())
    }
}

impl Drop for Contact {
    /// Also when its thread panics. A relay that is gone cannot be shut.
    fn drop(&mut self) {
        let _ = self.set(false);
    }
}
