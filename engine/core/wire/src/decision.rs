//! What a gate does.

/// What the gate does. 0 is not a decision, so that bytes never written admit nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Decision {
    /// The gate may open.
    Admit = 1,
    /// A person must look.
    Refer = 2,
    /// The gate stays shut.
    Refuse = 3,
}

impl Decision {
    /// The decision with this number on the wire.
    pub const fn from_byte(byte: u8) -> Option<Decision> {
        match byte {
            1 => Some(Decision::Admit),
            2 => Some(Decision::Refer),
            3 => Some(Decision::Refuse),
            _ => None,
        }
    }
}
