//! Random bytes of the operating system.

use crate::fault::NotEnrolled;

pub(crate) fn random<const N: usize>() -> Result<[u8; N], NotEnrolled> {
    let mut bytes = [0; N];
    #[cfg(feature = "planted")]
    if hufu_wire::planted::fill(&mut bytes) {
        return Ok(bytes);
    }
    getrandom::fill(&mut bytes).map_err(|_| NotEnrolled::NoRandomness)?;
    Ok(bytes)
}
