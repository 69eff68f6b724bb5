//! A gate on a Linux box: lanes, each with a scanner and with what shows and obeys its verdicts.

pub(crate) mod alone;
pub(crate) mod ask;
mod command;
pub(crate) mod config;
mod keys;
mod relay;
pub(crate) mod screen;
mod source;
pub(crate) mod words;

use std::sync::Once;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hufu_client::{Scanner, Scans};
use hufu_texts::Language;
use hufu_wire::Lane;
use serde_json::json;
use tokio::sync::mpsc;

use crate::channel::Channel;
use crate::gate::Device;
use crate::outcome::Exit;
use crate::term;
use crate::verdict::Answer;
use ask::Question;
use command::Program;
use config::{LaneConfig, Source};
use relay::Opener;
pub(crate) use relay::Relay;
use screen::Screen;

/// Between two looks for a device that is not there.
const RETRY: Duration = Duration::from_millis(500);

/// The line that says that a gate takes scans. It is written once.
pub(crate) struct Ready {
    lanes: usize,
    page: Option<String>,
    told: Once,
}

impl Ready {
    /// The line of a gate with so many lanes, and the URL of its page.
    pub(crate) fn new(lanes: usize, page: Option<String>) -> Ready {
        Ready { lanes, page, told: Once::new() }
    }

    /// Writes it for the program that started this, unless it is written.
    pub(crate) fn tell(&self, session: bool) {
        self.told.call_once(|| {
            let (lanes, page) = (self.lanes, self.page.as_deref());
            let has = if session { "yes" } else { "no" };
            let line = format!("ready lanes={lanes} session={has} page={}", page.unwrap_or("none"));
            tracing::info!("{line}");
            let object = json!({ "ready": { "lanes": lanes, "session": session, "page": page } });
            term::event(|| object, || line);
        });
    }
}

/// One passage at work.
pub(crate) struct Passage {
    number: u16,
    source: Source,
    baud: u32,
    scanner: Scanner,
    channel: Channel,
    ask: mpsc::Sender<Question>,
    openers: Vec<Opener>,
    programs: Vec<Program>,
    screen: Option<Screen>,
    language: Language,
}

impl Passage {
    /// A passage that asks through `ask`.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn new(
        config: &LaneConfig,
        device: &Device,
        ask: mpsc::Sender<Question>,
        relays: &[Relay],
        screen: Option<Screen>,
        language: Language,
    ) -> std::io::Result<Passage> {
        let number = *config.number.get_ref();
        let programs = config.commands.iter().map(|command| Program::start(command, number));
        Ok(Passage {
            number,
            source: config.scanner.get_ref().clone(),
            baud: *config.baud.get_ref(),
            scanner: device.scanner.clone(),
            channel: device.channel.clone(),
            ask,
            openers: relays.iter().map(Relay::opener).collect(),
            programs: programs.collect::<std::io::Result<_>>()?,
            screen,
            language,
        })
    }

    /// Takes scans until standard input ends; a device is looked for again when it goes. `ready` is told before a verdict.
    ///
    /// # Errors
    /// No one answers questions any more.
    pub(crate) fn work(&self, ready: &Ready) -> anyhow::Result<()> {
        let number = self.number;
        let mut said = String::new();
        loop {
            let gone = match source::open(&self.source, self.baud) {
                Ok(input) => {
                    if self.source != Source::Stdin {
                        tracing::info!("lane {number}: the scanner is there");
                    }
                    said.clear();
                    self.tell_scanner(true);
                    self.take(Scans::new(input), ready)?
                        .unwrap_or_else(|| "it has no more to give".to_owned())
                }
                Err(error) => error.to_string(),
            };
            let Some(device) = self.source.device() else { return Ok(()) };
            self.tell_scanner(false);
            if gone != said {
                let (device, every_ms) = (device.display(), RETRY.as_millis());
                tracing::error!(
                    "lane {number}: scanner {device}: {gone}; it is looked for every {every_ms} ms"
                );
                said = gone;
            }
            thread::sleep(RETRY);
        }
    }

    /// Answers every scan; why no more come, if that is known.
    fn take(
        &self,
        scans: impl Iterator<Item = std::io::Result<Vec<u8>>>,
        ready: &Ready,
    ) -> anyhow::Result<Option<String>> {
        for given in scans {
            match given {
                Ok(given) => self.show(&self.checked(&given)?, ready),
                Err(error) => return Ok(Some(error.to_string())),
            }
        }
        Ok(None)
    }

    fn checked(&self, given: &[u8]) -> anyhow::Result<Answer> {
        let code = match self.scanner.text(given) {
            Ok(code) => code,
            Err(fault) => return Ok(Answer::misread(fault)),
        };
        let asked = Instant::now();
        let (question, answered) = Question::new(code, Lane(self.number));
        let sent = self.ask.blocking_send(question).ok().and_then(|()| answered.blocking_recv().ok());
        Ok(match sent.context("no one answers the lanes any more")? {
            Ok(given) => Answer::decided(given, code, asked.elapsed()).with_channel(&self.channel),
            Err(fault) => Answer::none(&fault, code),
        })
    }

    /// Opens first, because a person waits; then tells everybody else.
    fn show(&self, answer: &Answer, ready: &Ready) {
        if answer.exit() == Exit::Yes {
            self.openers.iter().for_each(Opener::open);
        }
        let mut object = answer.to_json(self.language);
        object["lane"] = json!(self.number);
        if let Some(screen) = &self.screen {
            screen.show(&object);
        }
        self.programs.iter().for_each(|program| program.give(&object));
        // A scan while the first session is asked for: the line stands before its verdict.
        ready.tell(false);
        term::event(
            || object,
            || format!("lane {}  {}", self.number, answer.to_line(term::stdout(), self.language)),
        );
    }

    fn tell_scanner(&self, is_there: bool) {
        if let Some(screen) = &self.screen {
            screen.tell_scanner(is_there);
        }
    }
}
