//! Judges histories: whether what clients saw is linearizable, sequential, causal, session-consistent or merely convergent; and if not, why not,
//! in a sentence, with the few operations that show it.
//!
//! A [`History`] is a list of operations of a [`Model`], each with its process, its invocation, and its return if it came. An operation that never returned
//! may have taken effect at any later moment, or not at all. A checker answers with a [`Verdict`]: `Ok`, `Violation`, or `Undecided` when its
//! [`Budget`] of steps and bytes (never time) is spent. Verdicts are functions of the history and the budget alone.
//!
//! ```
//! use consistency::{Budget, History, Process, Verdict, linearizable, models::register::{Call, Register, Return}};
//! use consistency::timeline::Timeline;
//!
//! let mut history = History::new(Register::<(), u64>::default());
//! for (process, value) in [(1, 471), (2, 474)] {
//!     let write = history.invoke(Process(process), value, Call::Write((), value));
//!     history.returned(write, value + 2, Return::Written);
//! }
//! let read = history.invoke(Process(13), 480, Call::Read(()));
//! history.returned(read, 485, Return::Read(Some(471)));
//!
//! let Verdict::Violation(why) = linearizable(&history, &Budget::default()) else { panic!() };
//! assert_eq!(why.sentence, "p13 read 471 after write 474 had finished, and nothing wrote 471 again");
//! println!("{}", Timeline::of_violation(&history, &why, &[]).to_text());
//! ```
//!
//! # Which levels are defined for which models
//!
//! | | linearizable | sequential | causal (CC, CM, CCv) | session guarantees | regular | convergent | bounded staleness |
//! |---|---|---|---|---|---|---|---|
//! | [register](models::register) | n log n ¹ | search ² | polynomial ¹ | polynomial ¹ | n² ¹ | linear | n log n ¹ |
//! | [compare-and-set](models::cas) | search | search | only without cas ¹ | only without cas ¹ | only without cas ¹ | only without cas | search ³ |
//! | [key-value](models::kv) | search | search | only without append ¹ | only without append ¹ | only without append ¹ | only without append | search ³ |
//! | [mutex](models::mutex), [set](models::set), [counter](models::counter), [queue](models::queue) | search | search | | | | | search ³ |
//! | [transactions](models::store) | search: strict serializability | search: serializability | see [`isolation`] | | | | |
//!
//! ¹ with unique written values per key. Without them linearizability is a search; the causal, session and regular checkers answer `Undecided`.
//! ² with unique values conclusions are drawn first, and mostly suffice. ³ of reads: see [`stale`].
//! An empty cell is `Undecided { why: NotPlain }`.
//!
//! Of the levels without a parameter ([`Level::LADDER`]) [`survey()`] gives all verdicts, the strongest that hold, and the weakest that are broken.
//!
//! # Where the algorithms come from
//!
//! Herlihy & Wing 1990 (what linearizability is, and that it is local); Wing & Gong 1993 (the search); Lowe 2017 (its memo, and sweeping configurations); Gibbons & Korach
//! 1997 (unique values); Bouajjani, Enea, Guerraoui & Hamza 2017 (causal consistency); Terry et al. 1994 (sessions); Shao, Welch, Pierce & Lee 2011 (regular); Golab, Li & Shah 2011 (staleness); Biswas & Enea 2019 (transactions). Each
//! module says which part it uses, and what it adds.

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;

pub mod causal;
pub mod convergent;
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
mod numbers;
mod operations;
mod problem;
mod reads_from;
pub mod regular;
mod search;
pub mod sequential;
pub mod session;
mod shadow;
mod slots;
pub mod stale;
mod states;
pub mod survey;
mod sweep;
pub mod timeline;
pub mod transactions;
pub mod verdict;
mod words;
mod zones;

pub use causal::{Causality, causal};
pub use convergent::convergent;
pub use history::{History, OpId, Operation, Process};
pub use level::Level;
pub use linearizable::linearizable;
pub use model::Model;
pub use regular::regular;
pub use sequential::sequential;
pub use session::{Guarantee, session};
pub use survey::{Survey, place, strongest, survey, weakest_broken};
pub use transactions::{Isolation, isolation};
pub use verdict::{Budget, Verdict, Violation, Why};
