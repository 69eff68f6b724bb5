//! Snapshots in a local folder or an S3-compatible object store.
