//! Histories everybody knows.
