//! From a submission to a lane binary.
//!
//! A submission is the `src/**/*.rs` of one chapter ([`Sources`]). It is compiled by rustc itself, in a
//! scratch folder, against [`Kit`]: `lab` and `guest`, carried inside the harness and compiled once for this
//! machine. No cargo and no manifest, build script or macro crate comes near student code, and the compiler
//! and its linker open nothing but their own files, the kit's and the scratch folder's. Where some modules
//! do not compile, their exercises are replaced by the skeleton's and the rest is still built
//! ([`Built::broken`]).
//!
//! | look here | for |
//! |---|---|
//! | [`Kit::prepare`], [`Kit::build`] | the whole path |
//! | [`Kit::build_many`] | many variants of a submission in one program |
//! | [`Archive`] | what the harness carries with it: the kit, the exercises |
//! | [`Diagnostics`] | what the compiler said, fit to be shown |
//! | [`skeleton`] | exercises out of solutions |
//! | [`statics`] | what the compiler made of it that a node must not have |

mod archive;
mod cache;
mod compiler;
mod diagnostics;
mod error;
mod examine;
mod kit;
mod limits;
mod machine;
mod outcome;
pub mod skeleton;
mod sources;
pub mod statics;
mod submission;
mod tokens;
mod toolchain;
mod variants;

pub use archive::Archive;
pub use cache::{Lease, default_cache};
pub use confine::Layers;
pub use diagnostics::Diagnostics;
pub use error::Error;
pub use examine::examine;
pub use kit::{Kit, Preparing};
pub use sources::Sources;
pub use submission::{Built, Target};
pub use variants::{Many, Woven};
