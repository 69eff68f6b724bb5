//! The registry's embedded store, in one SQLite file.
