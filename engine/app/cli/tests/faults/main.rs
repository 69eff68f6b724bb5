//! What befalls a deployment, with real processes: registries, brokers, databases and engines are killed with
//! SIGKILL and hung while gates at every engine go on checking. An oracle knows every holder's colour at every
//! sequence: no verdict may admit whom no state from its `as_of` on makes green, no engine may forget what it has
//! served, and in the end all have the chain's digest (R22, R23).

#[cfg(all(feature = "nats", feature = "postgres"))]
mod scenes;
