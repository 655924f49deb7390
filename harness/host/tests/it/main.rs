//! Guests that misbehave on purpose, and what the host makes of them.

mod attacks;
mod hostile;
