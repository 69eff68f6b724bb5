//! Drives a follower over its feed: watchdog, warm copy, file drop.
