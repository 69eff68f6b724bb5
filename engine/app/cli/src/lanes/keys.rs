//! What a scanner that plays a keyboard types, from the keys themselves: no layout of this machine and no Caps Lock
//! changes it. The scanner is set to a keyboard of the United States.

use std::io::{self, Read};

use input_linux::sys::input_event;

/// The characters of an input device's keys.
pub(crate) struct Keys<R> {
    device: R,
    shift: bool,
    control: bool,
    /// What was typed and not read yet.
    typed: Vec<u8>,
}

/// One event of the kernel: a time, then type, code and value.
const EVENT_BYTES: usize = size_of::<input_event>();
/// Events read at once.
const EVENTS: usize = 64;

const EV_SYN: u16 = 0;
const SYN_DROPPED: u16 = 3;
const EV_KEY: u16 = 1;
const SHIFTS: [u16; 2] = [42, 54];
const CONTROLS: [u16; 2] = [29, 97];

/// Rows of keys: the code of the first (linux/input-event-codes.h), what each types, and what with Shift.
const ROWS: [(u16, &[u8], &[u8]); 9] = [
    (2, b"1234567890-=", b"!@#$%^&*()_+"),
    (15, b"\tqwertyuiop[]\n", b"\tQWERTYUIOP{}\n"),
    (30, b"asdfghjkl;'`", b"ASDFGHJKL:\"~"),
    (43, b"\\zxcvbnm,./", b"|ZXCVBNM<>?"),
    (55, b"*", b"*"),
    (57, b" ", b" "),
    (71, b"789-456+1230.", b"789-456+1230."),
    (96, b"\n", b"\n"),
    (98, b"/", b"/"),
];

impl<R: Read> Keys<R> {
    /// The keys of `device`, which is taken already.
    pub(crate) fn new(device: R) -> Keys<R> {
        Keys { device, shift: false, control: false, typed: Vec::new() }
    }

    fn event(&mut self, kind: u16, code: u16, value: i32) -> io::Result<()> {
        match (kind, value) {
            (EV_SYN, _) if code == SYN_DROPPED => return Err(io::Error::other("keys were lost: scan again")),
            (EV_KEY, _) if SHIFTS.contains(&code) => self.shift = value != 0,
            (EV_KEY, _) if CONTROLS.contains(&code) => self.control = value != 0,
            // 0 is let go and 2 is held: a scanner types each character once.
            (EV_KEY, 1) => self.typed.extend(self.character(code)),
            _ => {}
        }
        Ok(())
    }

    fn character(&self, code: u16) -> Option<u8> {
        let (plain, shifted) = ROWS.iter().find_map(|(first, plain, shifted)| {
            let at = usize::from(code.checked_sub(*first)?);
            Some((*plain.get(at)?, *shifted.get(at)?))
        })?;
        match (self.control, self.shift) {
            // Ctrl+J ends a scan where a scanner is set to type control characters.
            (true, _) => plain.is_ascii_lowercase().then_some(plain & 0x1f),
            (false, true) => Some(shifted),
            (false, false) => Some(plain),
        }
    }
}

impl<R: Read> Read for Keys<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.typed.is_empty() {
            // The kernel gives whole events.
            let mut events = [0; EVENTS * EVENT_BYTES];
            let bytes = self.device.read(&mut events)?;
            if bytes == 0 {
                return Ok(0);
            }
            for event in events[..bytes].chunks_exact(EVENT_BYTES) {
                if let [.., k0, k1, c0, c1, v0, v1, v2, v3] = *event {
                    let (kind, code) = (u16::from_ne_bytes([k0, k1]), u16::from_ne_bytes([c0, c1]));
                    self.event(kind, code, i32::from_ne_bytes([v0, v1, v2, v3]))?;
                }
            }
        }
        let bytes = into.len().min(self.typed.len());
        into[..bytes].copy_from_slice(&self.typed[..bytes]);
        self.typed.drain(..bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_client::Scans;
    use std::io::{BufReader, Write as _};

    fn event(kind: u16, code: u16, value: i32) -> Vec<u8> {
        let mut event = vec![0; EVENT_BYTES - 8];
        event.extend(kind.to_ne_bytes());
        event.extend(code.to_ne_bytes());
        event.extend(value.to_ne_bytes());
        event
    }

    /// As a scanner presses and lets go of each key, with the events that the kernel puts between.
    fn typed(text: &str) -> Vec<u8> {
        let mut events = Vec::new();
        for byte in text.bytes() {
            let key = |shifted: bool| {
                ROWS.iter().find_map(|(first, plain, with_shift)| {
                    let at = if shifted { with_shift } else { plain }.iter().position(|key| *key == byte)?;
                    Some(first + u16::try_from(at).unwrap())
                })
            };
            let (code, shift) = key(false).map_or_else(|| (key(true).unwrap(), true), |code| (code, false));
            let strokes = [(SHIFTS[0], 1), (code, 1), (code, 2), (code, 0), (SHIFTS[0], 0)];
            for (key, value) in strokes.into_iter().filter(|(key, _)| shift || *key != SHIFTS[0]) {
                // EV_MSC with the scan code of the hardware, the key, EV_SYN.
                events
                    .extend([event(4, 4, 458_756), event(EV_KEY, key, value), event(EV_SYN, 0, 0)].concat());
            }
        }
        events
    }

    fn scans(events: &[u8]) -> Vec<Result<String, String>> {
        let (read, mut write) = io::pipe().unwrap();
        write.write_all(events).unwrap();
        drop(write);
        let scans = Scans::new(BufReader::new(Keys::new(read)));
        scans
            .map(|scan| {
                scan.map(|bytes| String::from_utf8(bytes).unwrap()).map_err(|error| error.to_string())
            })
            .collect()
    }

    #[test]
    fn r60_every_character_of_a_code_comes_from_its_key() {
        let code = "HF1:0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
        let all = format!("{code}\n~`!@#^&()_={{}}[]|\\;'\"<>?,abc\n");
        let wanted: Vec<_> = all.lines().map(|line| Ok(line.to_owned())).collect();
        assert_eq!(scans(&typed(&all)), wanted);
    }

    #[test]
    fn r60_a_scan_with_lost_keys_is_an_error_and_control_j_ends_one() {
        let lost = [typed("HF1:A"), event(EV_SYN, SYN_DROPPED, 0), typed("B\n")].concat();
        assert_eq!(scans(&lost)[0], Err("keys were lost: scan again".to_owned()));
        let control =
            [event(EV_KEY, CONTROLS[0], 1), event(EV_KEY, 36, 1), event(EV_KEY, CONTROLS[0], 0)].concat();
        assert_eq!(
            scans(&[typed("12"), control, typed("3\n")].concat()),
            [Ok("12".to_owned()), Ok("3".to_owned())]
        );
    }
}
