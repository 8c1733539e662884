//! The S3 server as its clients see it: the AWS SDK, raw HTTP, a page on another origin, and a kill.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod bodies;
mod events;
mod kills;
mod multipart;
mod objects;
mod server;
mod signatures;
mod speed;
