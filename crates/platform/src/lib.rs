//! The outside world: one module and one cargo feature per thing that Gridkeep talks to, so that a function links only
//! what it uses. Nothing here knows what an upload or a row is.
//!
//! Start at [`config`] for where settings come from, `http` for what every HTTP function wears, `auth` and `access` for
//! who asks and what they may do.

pub mod config;
pub mod telemetry;

#[cfg(feature = "http")]
pub mod access;
#[cfg(feature = "http")]
pub mod auth;
#[cfg(feature = "redis")]
pub mod cache;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "mongo")]
pub mod mongo;
#[cfg(feature = "nats")]
pub mod nats;
#[cfg(feature = "pg")]
pub mod pg;
#[cfg(feature = "sqs")]
pub mod queue;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "s3")]
pub mod s3;
