//! Suites that seal bytes with a key: AES-GCM and SM4-GCM.
