//! The words that every part of Gridkeep shares: ids, HTTP bodies, event envelopes, column types and problem codes.
//! Serde types only, no I/O. Start at [`dataset`] for the table's shape, [`upload`] for a file's life and [`events`] for what
//! travels between the functions.

pub mod auth;
pub mod commit;
pub mod dataset;
pub mod drop_folder;
pub mod events;
pub mod hook;
pub mod ids;
pub mod names;
pub mod plan;
pub mod problem;
pub mod quarantine;
pub mod receipt;
pub mod rules;
pub mod upload;
pub mod widget;

pub use ids::{DatasetId, HookId, TokenId, UploadId, UserId, WidgetId};
pub use problem::{Code, Problem};
