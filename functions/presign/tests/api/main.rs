//! presign over its router. Watching and cancelling need PostgreSQL only (`GRIDKEEP_TEST_PG_URL`); asking for an upload writes a
//! record too and needs a server of MongoDB's protocol (`GRIDKEEP_TEST_MONGO_URL`). The bucket is the one of the one-machine mode.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;
mod hooks;
mod parts;
mod previews;
mod uploads;
