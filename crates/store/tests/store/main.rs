//! What the engine promises, against a real PostgreSQL. `GRIDKEEP_TEST_PG_URL` names a server on which databases may be made;
//! every test has one of its own.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod helper;

mod commits;
mod exactly_once;
mod imports;
mod merges;
mod model;
mod paging;
mod parts;
mod previews;
mod speed;
mod stalled;
mod types;
mod unique;
mod visibility;
mod widgets;
