//! Everything that needs the running stack is tested from here.
