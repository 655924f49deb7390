//! What `primary_backup` and `failover` share: the view service, and the judge of lists.

pub(crate) mod lists;
pub(crate) mod service;
