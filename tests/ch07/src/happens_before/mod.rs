//! `happens_before`: before, after or concurrent, from the definition alone.

mod checks;
mod drawing;
mod oracle;
mod worlds;

pub(crate) use checks::exercise;
