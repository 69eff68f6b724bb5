//! `hufu check`: ask an engine about codes, as a gate does.

use std::io::{self, BufRead, Read as _};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use clap::{ArgGroup, Args};
use hufu_client::{Gate, GateFault, GateOptions};
use hufu_files::unavailable;
use hufu_wire::{Decision, Lane, limits};

use crate::outcome::Exit;
use crate::term::say;
use crate::verdict::Answer;
use crate::{gate, qr, term};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu check --gate gates/7 --image code.png
  hufu present --holder zhang.holder | hufu check --gate gates/7 --scanner
  hufu check --gate gates/7 --json 'HF1:6BF...'
  hufu check --gate gates/7 --scanner --json > verdicts.jsonl

Exit status: 0 admitted, 1 refused, 4 a person must look, 3 no engine gave a verdict, 2 an argument or a file \
is wrong. With --scanner it is 0 at the end of the input, whatever the verdicts were.";

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
    /// A picture with a QR code, PNG or JPEG
    #[arg(long, group = "what", value_name = "FILE")]
    image: Option<PathBuf>,
    /// Read codes from standard input, one a line, as a USB scanner types them
    #[arg(long, group = "what")]
    scanner: bool,
    /// Which lane of the device
    #[arg(long, value_name = "N", default_value_t = 0)]
    lane: u16,
    /// One JSON object for each verdict
    #[arg(long)]
    json: bool,
}

/// A base45 text never ends in a space (its last digit is below 33), so what surrounds it can be trimmed.
const fn trimmed(code: &[u8]) -> &[u8] {
    code.trim_ascii()
}

/// A scanner's line longer than this is cut: far beyond any code, and short enough to hold.
const LINE_BYTES_MAX: u64 = 4096;

/// Runs `hufu check`.
pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<Exit> {
    // A picture that cannot be read is told before anybody is asked.
    let code = match (&args.image, &args.code) {
        (Some(path), _) => Some(qr::read(path)?),
        (None, Some(code)) => Some(trimmed(code.as_bytes()).to_vec()),
        (None, None) => None,
    };
    let device = gate::open(&args.gate)?;
    let mut gate = Gate::open(device.servers, device.identity, GateOptions::default()).map_err(closed)?;
    match code {
        Some(code) => Ok(single(&mut gate, args, &code)),
        None => scanner(&mut gate, args),
    }
}

fn single(gate: &mut Gate, args: &CheckArgs, code: &[u8]) -> Exit {
    let answer = ask(gate, code, Lane(args.lane));
    tell(&answer, args.json);
    match answer.decision() {
        Some(Decision::Admit) => Exit::Yes,
        Some(Decision::Refuse) => Exit::No,
        Some(Decision::Refer) => Exit::Refer,
        None => Exit::Unavailable,
    }
}

fn scanner(gate: &mut Gate, args: &CheckArgs) -> anyhow::Result<Exit> {
    let mut input = io::stdin().lock();
    // Without a reader of the verdicts there is nothing to ask for.
    while term::is_read()
        && let Some(line) = read_line(&mut input).context("cannot read from standard input")?
    {
        let code = trimmed(&line);
        if !code.is_empty() {
            tell(&ask(gate, code, Lane(args.lane)), args.json);
        }
    }
    Ok(Exit::Yes)
}

fn ask(gate: &mut Gate, code: &[u8], lane: Lane) -> Answer {
    let asked = Instant::now();
    match gate.check(code, lane) {
        Ok(verdict) => Answer::of(verdict, code, asked.elapsed()),
        Err(fault) => Answer::none(&fault, code),
    }
}

fn tell(answer: &Answer, as_json: bool) {
    if as_json {
        say!("{}", answer.to_json());
    } else {
        say!("{}", answer.to_line(term::stdout()));
    }
    // A gate's lamp cannot wait for a full buffer.
    term::flush();
}

/// The next line without its end, cut at [`LINE_BYTES_MAX`]; `None` at the end of the input.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let mut ended = line.last() == Some(&b'\n');
    while !ended {
        let (skip, end) = {
            let buffered = input.fill_buf()?;
            let newline = buffered.iter().position(|byte| *byte == b'\n');
            (newline.map_or(buffered.len(), |at| at + 1), newline.is_some() || buffered.is_empty())
        };
        input.consume(skip);
        ended = end;
    }
    Ok(Some(line))
}

fn closed(fault: GateFault) -> anyhow::Error {
    match fault {
        GateFault::NoServer => fault.into(),
        GateFault::Local(_) | GateFault::NoSession(_) => unavailable(fault),
    }
}

const _: () = assert!(LINE_BYTES_MAX > limits::PRESENTED_BYTES_MAX as u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_never_joined() {
        let long = [b'A'; 10_000];
        let input = [b"HF1:1\r\n".as_slice(), &long, b"\nHF1:2\n\xff\xfe\n\nHF1:3"].concat();
        let mut reader = io::BufReader::with_capacity(7, &input[..]);
        let mut lines = Vec::new();
        while let Some(line) = read_line(&mut reader).unwrap() {
            lines.push(line);
        }
        assert_eq!(lines[0], b"HF1:1\r\n");
        assert_eq!(lines[1].len(), 4096);
        assert_eq!(
            lines[2..],
            [b"HF1:2\n".to_vec(), b"\xff\xfe\n".to_vec(), b"\n".to_vec(), b"HF1:3".to_vec()]
        );
    }
}
