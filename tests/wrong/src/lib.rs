//! Some known wrong submissions, compiled to be run in a test's own process: a failure is the same failure in a batch,
//! alone and in here.

include!(concat!(env!("OUT_DIR"), "/wrong.rs"));
