/// The only version of the file that there is.
pub(super) const VERSION: u32 = 1;
