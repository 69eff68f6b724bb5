//! Change sets through NATS JetStream, published by a registry and followed by engines.
