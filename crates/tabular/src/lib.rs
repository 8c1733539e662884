//! Files become typed tables here, losslessly and without any I/O: bytes are pushed in, plans and Arrow batches come out.
//!
//! The way of a file: [`source`] unpacks it, and turns workbooks, JSON and Parquet into text; [`sniff`] looks at its head and says
//! what it is ([`detect`] in which encoding); [`encoding`] turns its bytes into UTF-8; [`csv`] cuts that into records with their
//! places; [`infer`] finds each column's type; [`mapping`] says where it goes in a dataset that is there; [`analyse`] does all of it over the whole file and makes the plan; [`load`] goes over
//! the file again and cuts typed [`batch`]es by the plan. [`format`] reads and prints one cell, [`rules`] says which values a
//! column takes, [`split`] cuts one record that is known by its text, and [`inspect`] is the whole of it at a command line. Start at
//! [`analyse`].

pub mod analyse;
pub mod batch;
mod column;
pub mod csv;
mod datetime;
mod detect;
pub mod encoding;
pub mod error;
pub mod format;
pub mod infer;
pub mod inspect;
pub mod load;
pub mod mapping;
mod marks;
pub mod names;
mod number;
mod record;
pub mod rules;
pub mod sniff;
pub mod source;
pub mod split;
mod words;

pub use analyse::{Analyser, Analysis, Finished};
pub use batch::Batch;
pub use error::FileError;
pub use load::Loader;
pub use source::{Input, Source};
