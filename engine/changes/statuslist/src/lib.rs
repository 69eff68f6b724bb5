//! Token Status Lists (IETF OAuth): an issuer's colours written for others, and those of others read.
