//! Publishers and feeds against a real nats-server.

#![allow(unreachable_pub, reason = "shared by the files of one test program")]

mod common;
mod credentials;
mod damage;
mod following;
mod publishing;
mod servers;
