//! A registry over HTTP: its API for commands, its feed and its snapshots for engines.
