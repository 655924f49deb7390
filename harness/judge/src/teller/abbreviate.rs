//! What a row has said already is not said again.

use crate::story::{Row, What, split_fields};
use std::collections::{BTreeMap, BTreeSet};

/// Leaves out, of messages of one name, what is the same in all of them, but for the first; and of a message that has left in
/// an earlier row, all but its name. What is marked is said in full.
pub(super) fn abbreviate(rows: &mut [Row]) {
    let mut all: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for row in rows.iter() {
        if let What::Message { label, left: None, .. } | What::Leaves { label, .. } = &row.what {
            all.entry(label.name.clone()).or_default().push(split_fields(&label.fields));
        }
    }
    let mut seen = BTreeSet::new();
    for row in rows {
        if row.mark.is_some() {
            if let What::Message { label, .. } | What::Leaves { label, .. } = &row.what {
                seen.insert(label.name.clone());
            }
            continue;
        }
        match &mut row.what {
            What::Message { label, left: Some(_), .. } if !label.name.is_empty() => label.fields.clear(),
            What::Message { label, .. } | What::Leaves { label, .. } => {
                let others = all.get(&label.name).map(Vec::as_slice).unwrap_or_default();
                if !seen.insert(label.name.clone()) && !label.name.is_empty() {
                    let mut fields = split_fields(&label.fields);
                    fields.retain(|field| !others.iter().all(|other| other.contains(field)));
                    label.fields = fields.join(" ");
                }
            }
            _ => {}
        }
    }
}
