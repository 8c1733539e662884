//! data-api over its router, against a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod commits;
mod common;
mod datasets;
mod grants;
mod quarantine;
mod rows;
mod widgets;
