//! The host: Gridkeep on one machine, or one role of it in a container. `main.rs` is the `gridkeep` command.
//!
//! [`commands`] are what the command line ([`cli`]) can ask for. [`serve`] is what a role does, [`stack`] starts and ends the real servers and the roles;
//! [`servers`] knows each server.

pub mod cli;
pub mod commands;
pub mod openapi;
pub mod serve;
pub mod servers;
pub mod stack;
