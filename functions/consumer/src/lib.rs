//! From typed batches on the `ROWS` stream to rows in PostgreSQL, and to a version when all are in.
//!
//! [`drain`] is one sitting: [`writer`] takes messages off the stream and writes them, [`message`] reads one, [`poison`] takes
//! out what can never be written, [`relay`] tells of published versions, [`outcomes`] of dropped files, [`tables`] has the further
//! tables of a file read, [`views`] brings widgets to new versions, [`housekeeping`] clears away, [`rescue`] helps imports that got
//! stuck. [`run_loop`] sits for as long as the host runs. What was published is read by `data-api`.

pub mod config;
pub mod drain;
pub mod error;
pub mod housekeeping;
pub mod message;
pub mod outcomes;
pub mod poison;
pub mod relay;
mod rescue;
pub mod tables;
pub mod views;
pub mod writer;

pub use config::{Config, Deps};
pub use drain::{DrainReport, drain, has_work, is_due, run_loop};
pub use error::Error;
