//! Every operator on a small source, and many variants in one file.

mod operators;
mod weaving;
