//! Exactly `verify_strict`, for keys that are few and known.
