//! consistency

pub mod causal;
mod depth;
mod explain;
pub mod history;
mod hopeless;
pub mod jsonl;
pub mod level;
pub mod linearizable;
mod memo;
mod minimize;
pub mod model;
pub mod models;
mod problem;
mod reads_from;
mod search;
mod shadow;
mod slots;
mod states;
mod sweep;
pub mod timeline;
pub mod verdict;
mod zones;

pub use causal::{Causality, causal};
pub use history::{History, OpId, Operation, Process};
pub use level::Level;
pub use linearizable::linearizable;
pub use model::Model;
pub use verdict::{Budget, Verdict, Violation, Why};
