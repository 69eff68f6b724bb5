//! The record of one check: 56 bytes, nothing about the person.

use hufu_check::{Channel, Record, Trace};
use hufu_wire::{DeviceId, Lane, Malformed, Message, Reason, RosterReply, SiteId, UnixMillis, Verdict, read};
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// One check, as it is kept. The engine, the day and the record's own number are its block's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where.
    pub site: SiteId,
    /// Which device asked.
    pub device: DeviceId,
    /// Its lane, 0 where the request could not be read and for a roster.
    pub lane: Lane,
    /// How the request came.
    pub channel: Channel,
    /// From the packet's arrival to its record, microseconds, saturating.
    pub latency_us: u32,
    /// Which kind of slip is kept beside it.
    pub slip: Option<SlipKind>,
    /// What was answered.
    pub answer: Answer,
}

/// What a check was answered with: the message itself, so that a record and a reply cannot differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Of one code.
    Verdict(Verdict),
    /// Of a whole roster.
    Roster(RosterReply),
}

/// From what a slip is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SlipKind {
    /// The value that a phone released in one step of 30 seconds.
    Step = 1,
    /// The signature of a paper, family or trip code.
    Code = 2,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    site: U32,
    device: U32,
    latency_us: U32,
    lane: U16,
    channel: u8,
    slip: u8,
    answer: [u8; Verdict::BYTES],
}

const _: () = assert!(size_of::<Layout>() == Row::BYTES);
const _: () = assert!(RosterReply::BYTES <= Verdict::BYTES);

impl Row {
    /// Bytes of every record.
    pub const BYTES: usize = 56;

    /// What is kept of a check that took `latency_us`.
    pub fn of(record: &Record, latency_us: u32) -> Row {
        let Record { channel, grant, lane, trace, verdict, roster, .. } = record;
        let answer = match roster {
            None => Answer::Verdict(*verdict),
            Some(tally) => Answer::Roster(RosterReply {
                server_time: verdict.server_time,
                age: verdict.age,
                reason: verdict.reason,
                members: tally.members,
                admitted: tally.admitted,
                referred: tally.referred,
                refused: tally.refused,
            }),
        };
        Row {
            site: grant.site,
            device: grant.device,
            lane: lane.unwrap_or(Lane(0)),
            channel: *channel,
            latency_us,
            slip: match trace {
                Trace::None => None,
                Trace::Step(_) => Some(SlipKind::Step),
                Trace::Code(_) => Some(SlipKind::Code),
            },
            answer,
        }
    }

    /// The engine's clock at the check.
    pub fn time(&self) -> UnixMillis {
        match &self.answer {
            Answer::Verdict(verdict) => verdict.server_time,
            Answer::Roster(reply) => reply.server_time,
        }
    }

    /// Why it was answered so.
    pub fn reason(&self) -> Reason {
        match &self.answer {
            Answer::Verdict(verdict) => verdict.reason,
            Answer::Roster(reply) => reply.reason,
        }
    }

    /// Reads one record.
    ///
    /// # Errors
    /// [`Malformed`]: nothing that an engine writes.
    ///
    /// # Panics
    /// Never: the layout has the array's size.
    pub fn from_bytes(bytes: &[u8; Row::BYTES]) -> Result<Row, Malformed> {
        let malformed = |fault| Malformed { message: "record", fault };
        let layout = Layout::ref_from_bytes(bytes).expect("as long as the layout");
        let channel = channel_of(layout.channel).ok_or_else(|| malformed("unknown channel"))?;
        let answer = if channel == Channel::Roster {
            let (reply, zero) = layout.answer.split_at(RosterReply::BYTES);
            if zero.iter().any(|byte| *byte != 0) {
                return Err(malformed("reserved bytes are not zero"));
            }
            Answer::Roster(read(reply)?)
        } else {
            Answer::Verdict(read(&layout.answer)?)
        };
        let slip = match layout.slip {
            0 => None,
            1 => Some(SlipKind::Step),
            2 => Some(SlipKind::Code),
            _ => return Err(malformed("unknown kind of slip")),
        };
        Ok(Row {
            site: SiteId(layout.site.get()),
            device: DeviceId(layout.device.get()),
            lane: Lane(layout.lane.get()),
            channel,
            latency_us: layout.latency_us.get(),
            slip,
            answer,
        })
    }

    /// Writes the record.
    pub fn to_bytes(&self) -> [u8; Row::BYTES] {
        let mut answer = [0; Verdict::BYTES];
        match &self.answer {
            Answer::Verdict(verdict) => verdict.write_to(&mut answer),
            Answer::Roster(reply) => reply.write_to(&mut answer[..RosterReply::BYTES]),
        }
        zerocopy::transmute!(Layout {
            site: self.site.0.into(),
            device: self.device.0.into(),
            latency_us: self.latency_us.into(),
            lane: self.lane.0.into(),
            channel: channel_byte(self.channel),
            slip: self.slip.map_or(0, |kind| kind as u8),
            answer,
        })
    }
}

const fn channel_byte(channel: Channel) -> u8 {
    match channel {
        Channel::Sealed => 1,
        Channel::Connection => 2,
        Channel::Roster => 3,
    }
}

const fn channel_of(byte: u8) -> Option<Channel> {
    match byte {
        1 => Some(Channel::Sealed),
        2 => Some(Channel::Connection),
        3 => Some(Channel::Roster),
        _ => None,
    }
}
