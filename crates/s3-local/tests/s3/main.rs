//! The S3 server as its clients see it: the AWS SDK, raw HTTP, a page on another origin, and a kill.

mod bodies;
mod events;
mod kills;
mod multipart;
mod objects;
mod server;
mod signatures;
mod speed;
