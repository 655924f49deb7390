//! `lab` itself: what lies on a disk, what crosses a pipe, and one node on a workbench.

mod bench;
mod disk;
mod frames;
mod hosting;
mod services;
