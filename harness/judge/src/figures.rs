//! Numbers that a check reports beside its verdict: what it has looked at, summed up over its worlds.

use serde::Serialize;
use std::time::Duration;

/// The figures of a check, in the order in which its worlds name them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Counts.
    pub counts: Vec<Count>,
    /// Counts over virtual time.
    pub series: Vec<Series>,
}
/// How many of something there were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What, in the plural.
    pub name: &'static str,
    /// How many, in all worlds of the check together.
    pub many: u64,
}
/// How many of something there were in each stretch of virtual time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// What.
    pub name: &'static str,
    /// How long a stretch is.
    pub bin: Duration,
    /// How many, in all worlds of the check together, from their beginnings on.
    pub values: Vec<u64>,
}

impl Figures {
    /// Whether there is nothing to report.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.series.is_empty()
    }
    pub(crate) fn count(&mut self, name: &'static str, many: u64) {
        match self.counts.iter_mut().find(|count| count.name == name) {
            Some(count) => count.many = count.many.saturating_add(many),
            None => self.counts.push(Count { name, many }),
        }
    }
    pub(crate) fn add_series(&mut self, name: &'static str, bin: Duration, values: &[u64]) {
        let series = match self.series.iter_mut().find(|series| series.name == name) {
            Some(series) => series,
            None => {
                self.series.push(Series { name, bin, values: Vec::new() });
                self.series.last_mut().expect("just pushed")
            }
        };
        assert_eq!(series.bin, bin, "the stretches of the series `{name}` are not equally long");
        if series.values.len() < values.len() {
            series.values.resize(values.len(), 0);
        }
        for (sum, more) in series.values.iter_mut().zip(values) {
            *sum = sum.saturating_add(*more);
        }
    }
    pub(crate) fn add(&mut self, other: Figures) {
        other.counts.iter().for_each(|count| self.count(count.name, count.many));
        other.series.iter().for_each(|series| self.add_series(series.name, series.bin, &series.values));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worlds_are_summed_up_in_the_order_of_the_names() {
        let bin = Duration::from_millis(10);
        let of = |pairs, retries: &[u64]| {
            let mut figures = Figures::default();
            figures.count("pairs", pairs);
            figures.count("crash points", 1);
            figures.add_series("retries", bin, retries);
            figures
        };
        let mut all = of(2, &[1, 2]);
        all.add(of(40, &[1, 0, 5]));
        let count = |name, many| Count { name, many };
        assert_eq!(all.counts, [count("pairs", 42), count("crash points", 2)]);
        assert_eq!(all.series, [Series { name: "retries", bin, values: vec![2, 2, 5] }]);
    }
}
