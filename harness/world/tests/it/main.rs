//! The kernel, tried on whole worlds: what a check may rely on, whatever the scenario.

mod actor;
mod calls;
mod caps;
mod clients;
mod clocks;
mod concrete;
mod crashes;
mod fate;
mod filters;
mod interrogation;
mod laws;
mod links;
mod partitions;
mod random;
mod stage;
mod surroundings;
mod timers;
mod triggers;
