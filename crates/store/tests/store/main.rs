//! What the engine promises, against a real PostgreSQL. `GRIDKEEP_TEST_PG_URL` names a server on which databases may be made;
//! every test has one of its own.

mod helper;

mod exactly_once;
mod imports;
mod paging;
mod speed;
mod types;
mod visibility;
