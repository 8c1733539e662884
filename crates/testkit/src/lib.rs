//! The very stack of `gridkeep up`, in a folder of its own, for tests and benchmarks: real servers, real HTTP, and a way to kill each process.
//!
//! [`Stack`] is the running thing; [`Client`] is somebody who talks to it ([`Stack::anonymous`], [`Stack::user`]). Nothing is left behind, even when the
//! test process is killed: a reaper holds the other end of a pipe and removes the stack when the pipe closes.

#![expect(
    clippy::expect_used,
    reason = "this crate is for tests only, where a panic is a failed test"
)]

mod client;
mod stack;

pub use client::{Answer, Client, new_dataset};
pub use host::stack::up::Mode;
pub use stack::{Stack, program, shared};
