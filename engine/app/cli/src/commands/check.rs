//! `hufu check`: ask an engine about codes, as a gate does.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use clap::{ArgGroup, Args};
use hufu_client::{CheckFault, Gate, GateFault, GateOptions, SCAN_BYTES_MAX, Scanner, Scans};
use hufu_files::{self as files, unavailable};
use hufu_wire::{Lane, Reference, Verdict, limits};

use crate::channel::Channel;
use crate::language::LanguageArgs;
use crate::outcome::Exit;
use crate::verdict::Answer;
use crate::{gate, qr, term};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu check --gate gates/7 --image code.png
  hufu present --holder zhang.holder | hufu check --gate gates/7 --scanner
  hufu check --gate gates/7 --json 'HF1:6BF...'
  hufu check --gate gates/7 --language ar --image code.png
  hufu check --gate gates/7 --scanner --json > verdicts.jsonl
  hufu check --gate gates/7 --reference SL1:900001.7

Exit status: 0 admitted, 1 refused, 4 a person must look, 3 no engine gave a verdict, 2 an argument, a file \
or the scanner's keyboard is wrong. With --scanner it is 0 at the end of the input, whatever the verdicts were.";

/// Ask an engine about codes, as a gate does.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true))]
pub(crate) struct CheckArgs {
    /// The gate's folder, from `hufu ca device`
    #[arg(long, value_name = "FOLDER")]
    gate: PathBuf,
    /// The code's text
    #[arg(group = "what", value_name = "CODE")]
    code: Option<String>,
    /// A picture with a QR code, PNG, JPEG or WebP
    #[arg(long, group = "what", value_name = "FILE")]
    image: Option<PathBuf>,
    /// Read codes from standard input, as a scanner types them: each ends with CR, LF, Tab or ETX
    #[arg(long, group = "what")]
    scanner: bool,
    /// An entry of a status list, named by a credential that you have verified; no code or scan is taken for one
    #[arg(long, group = "what", value_name = "SL1:ISSUER.INDEX", value_parser = reference)]
    reference: Option<Reference>,
    /// Which lane of the device
    #[arg(long, value_name = "N", default_value_t = 0)]
    lane: u16,
    #[command(flatten)]
    language: LanguageArgs,
}

/// Runs `hufu check`.
pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<Exit> {
    // A picture that cannot be read is told before anybody is asked.
    let picture = args.image.as_deref().map(photographed).transpose()?;
    let device = gate::open(&args.gate)?;
    // A camera adds nothing to what it reads.
    let scanner = if picture.is_some() { Scanner::default() } else { device.scanner };
    let given = picture.or_else(|| Some(args.code.clone()?.into_bytes()));
    let code = given.as_deref().map(|given| scanner.text(given)).transpose();
    let Ok(code) = code.map_err(|fault| tell(&Answer::misread(fault), args)) else {
        return Ok(Exit::Misused);
    };
    let mut gate = Gate::open(device.servers, device.identity, GateOptions::default()).map_err(closed)?;
    let lane = Lane(args.lane);
    let answer = match (code, args.reference) {
        (Some(code), _) => ask(&mut gate, code, lane),
        (None, Some(reference)) => refer(&mut gate, reference, lane),
        (None, None) => return scan(&mut gate, (&scanner, &device.channel), args),
    };
    let answer = answer.with_channel(&device.channel);
    tell(&answer, args);
    Ok(answer.exit())
}

fn reference(text: &str) -> Result<Reference, &'static str> {
    Reference::read(text.as_bytes()).ok_or("it is SL1:ISSUER.INDEX, two numbers without zeros in front")
}

fn photographed(path: &Path) -> anyhow::Result<Vec<u8>> {
    qr::read(&files::read(path)?).with_context(|| format!("cannot read a code from {}", path.display()))
}

fn scan(gate: &mut Gate, (scanner, channel): (&Scanner, &Channel), args: &CheckArgs) -> anyhow::Result<Exit> {
    let mut scans = Scans::new(io::stdin().lock());
    // Without a reader of the verdicts there is nothing to ask for.
    while term::is_read()
        && let Some(given) = scans.next().transpose().context("cannot read from standard input")?
    {
        let answer = match scanner.text(&given) {
            Ok(code) => ask(gate, code, Lane(args.lane)).with_channel(channel),
            Err(fault) => Answer::misread(fault),
        };
        tell(&answer, args);
    }
    Ok(Exit::Yes)
}

fn ask(gate: &mut Gate, code: &[u8], lane: Lane) -> Answer {
    let asked = Instant::now();
    answer(gate.check(code, lane), code, asked)
}

fn refer(gate: &mut Gate, reference: Reference, lane: Lane) -> Answer {
    let asked = Instant::now();
    answer(gate.check_reference(reference, lane), b"", asked)
}

fn answer(checked: Result<Verdict, CheckFault>, code: &[u8], asked: Instant) -> Answer {
    match checked {
        Ok(verdict) => Answer::of(verdict, code, asked.elapsed()),
        Err(fault) => Answer::none(&fault, code),
    }
}

/// At once: a gate's lamp cannot wait for a full buffer.
fn tell(answer: &Answer, args: &CheckArgs) {
    let language = args.language.language;
    term::event(|| answer.to_json(language), || answer.to_line(term::stdout(), language));
}

fn closed(fault: GateFault) -> anyhow::Error {
    match fault {
        GateFault::NoServer => fault.into(),
        GateFault::Local(_) | GateFault::NoSession(_) => unavailable(fault),
    }
}

const _: () = assert!(SCAN_BYTES_MAX > limits::PRESENTED_BYTES_MAX);
