//! Certificates from abroad in the format of the EU Digital COVID Certificate (HC1): read, verified and issued.

pub mod issue;
