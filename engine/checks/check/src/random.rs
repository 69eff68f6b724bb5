//! Random bytes of the operating system.

use crate::fault::NotEnrolled;

pub(crate) fn random<const N: usize>() -> Result<[u8; N], NotEnrolled> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NotEnrolled::NoRandomness)?;
    Ok(bytes)
}
