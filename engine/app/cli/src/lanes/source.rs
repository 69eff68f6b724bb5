//! Scanners: standard input, a serial line, a keyboard.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use input_linux::EvdevHandle;
use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl, open as open_file};
use rustix::io::Errno;
use rustix::termios::{
    ControlModes, OptionalActions, SpecialCodeIndex, ioctl_tiocexcl, tcgetattr, tcsetattr,
};

use super::config::Source;
use super::keys::Keys;

/// Opens a scanner; nothing else reads from it then.
///
/// # Errors
/// It is not there, another program has it, or it is no such device. The error does not name it.
pub(crate) fn open(source: &Source, baud: u32) -> io::Result<Box<dyn BufRead>> {
    Ok(match source {
        Source::Stdin => Box::new(io::stdin().lock()),
        Source::Serial(path) => {
            let line = serial(path, baud)?;
            blocking(&line)?;
            Box::new(BufReader::new(line))
        }
        Source::Keyboard(path) => Box::new(BufReader::new(Keys::new(keyboard(path)?))),
    })
}

/// Opens a serial line: 8 data bits, no parity, no flow control, for this program alone. It does not block.
///
/// # Errors
/// As [`open`].
pub(crate) fn serial(path: &Path, baud: u32) -> io::Result<File> {
    // A line without a carrier would be waited for, and a terminal become this program's own.
    let line: File =
        open_file(path, OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?
            .into();
    let mut settings = tcgetattr(&line).map_err(|error| match error {
        Errno::NOTTY | Errno::INVAL => io::Error::other("it is not a serial line"),
        error => error.into(),
    })?;
    ioctl_tiocexcl(&line)?;
    settings.make_raw();
    settings.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    settings.control_modes &= !(ControlModes::CRTSCTS | ControlModes::CSTOPB);
    settings.special_codes[SpecialCodeIndex::VMIN] = 1;
    settings.special_codes[SpecialCodeIndex::VTIME] = 0;
    settings.set_speed(baud)?;
    // What was scanned before this program listened is not of anybody who stands at the gate now.
    tcsetattr(&line, OptionalActions::Flush, &settings)?;
    Ok(line)
}

/// Opens a keyboard and takes it: what a scanner types reaches no console and no other program.
fn keyboard(path: &Path) -> io::Result<File> {
    let device: File =
        open_file(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?.into();
    let device = EvdevHandle::new(device);
    device.grab(true).map_err(|error| match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOTTY | Errno::INVAL) => io::Error::other("it is not an input device"),
        Some(Errno::BUSY) => io::Error::other("another program has taken this input device"),
        _ => error,
    })?;
    let device = device.into_inner();
    blocking(&device)?;
    Ok(device)
}

fn blocking(device: &File) -> io::Result<()> {
    Ok(fcntl_setfl(device, fcntl_getfl(device)? - OFlags::NONBLOCK)?)
}
