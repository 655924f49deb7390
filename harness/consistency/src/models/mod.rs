//! Models of the objects clients talk to.

pub mod cas;
pub mod counter;
pub mod kv;
pub mod mutex;
pub mod queue;
pub mod register;
pub mod set;
pub mod store;
