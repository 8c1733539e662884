//! Soon.

#[derive(Debug, Default)]
pub(crate) struct Orders {}
