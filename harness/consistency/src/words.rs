//! Keys in words.

use std::fmt::Debug;

/// ` key`, or nothing where there is only one.
pub(crate) fn at(key: &impl Debug) -> String {
    match format!("{key:?}").as_str() {
        "()" | "null" => String::new(),
        key => format!(" {}", key.trim_matches(['"', '\''])),
    }
}

/// ` from key`, or nothing where there is only one.
pub(crate) fn from(key: &impl Debug) -> String {
    match at(key) {
        key if key.is_empty() => key,
        key => format!(" from{key}"),
    }
}
