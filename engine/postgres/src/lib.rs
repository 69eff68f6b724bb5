//! The registry's production store, in PostgreSQL.
