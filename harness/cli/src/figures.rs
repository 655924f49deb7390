//! What the runs of a check report beside its verdict, for people and for programs.

use judge::{Count, Figures, Series};
use serde::Serialize;

/// A line over virtual time has no more columns.
const COLUMNS_MAX: usize = 40;

/// A line or a few: the counts, and each series as a small chart.
pub(crate) fn lines(figures: &Figures, width: usize, ascii: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if !figures.counts.is_empty() {
        let counts: Vec<String> = figures.counts.iter().map(count).collect();
        lines.extend(textwrap::wrap(&counts.join(", "), width).into_iter().map(|line| line.into_owned()));
    }
    lines.extend(figures.series.iter().filter_map(|series| chart(series, ascii)));
    lines
}
fn count(count: &Count) -> String {
    let name = if count.many == 1 { count.name.strip_suffix('s').unwrap_or(count.name) } else { count.name };
    format!("{} {name}", grouped(count.many))
}
/// A number, its digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
/// `retries ▁▂█▃ up to 1,234 in 10 ms`; nothing where there are no values.
fn chart(series: &Series, ascii: bool) -> Option<String> {
    let Series { name, bin, values } = series;
    let together = values.len().div_ceil(COLUMNS_MAX).max(1);
    let columns: Vec<u64> = values.chunks(together).map(|chunk| chunk.iter().sum()).collect();
    let most = *columns.iter().max()?;
    let signs: &[char] = if ascii {
        &['.', ':', '-', '=', '+', '*', '#', '@']
    } else {
        &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
    };
    let sign = |value: &u64| match value {
        0 => ' ',
        value => signs[usize::try_from((value - 1) * signs.len() as u64 / most).unwrap_or(0)],
    };
    let line: String = columns.iter().map(sign).collect();
    let stretch = *bin * u32::try_from(together).unwrap_or(u32::MAX);
    Some(format!("{name} {line} up to {} in {}", grouped(most), world::Time::ZERO + stretch))
}

/// The same for programs.
#[derive(Serialize)]
pub(crate) struct JsonFigures {
    counts: Vec<Count>,
    series: Vec<JsonSeries>,
}
#[derive(Serialize)]
struct JsonSeries {
    name: &'static str,
    bin_ns: u64,
    values: Vec<u64>,
}
impl JsonFigures {
    pub(crate) fn of(figures: &Figures) -> Option<JsonFigures> {
        let series = figures.series.iter().map(|series| JsonSeries {
            name: series.name,
            bin_ns: u64::try_from(series.bin.as_nanos()).unwrap_or(u64::MAX),
            values: series.values.clone(),
        });
        (!figures.is_empty())
            .then(|| JsonFigures { counts: figures.counts.clone(), series: series.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn some() -> Figures {
        let count = |name, many| Count { name, many };
        let bin = Duration::from_millis(5);
        Figures {
            counts: vec![count("crash points", 137), count("pairs", 1_234_567), count("restarts", 1)],
            series: vec![
                Series { name: "retries", bin, values: vec![0, 1, 2, 8, 1_600, 800] },
                Series { name: "load", bin, values: (0..100).collect() },
                Series { name: "nothing", bin, values: Vec::new() },
            ],
        }
    }

    #[test]
    fn counts_stand_in_a_line_and_series_are_small_charts() {
        let unicode = lines(&some(), 76, false);
        assert_eq!(unicode[0], "137 crash points, 1,234,567 pairs, 1 restart");
        assert_eq!(unicode[1], "retries  ▁▁▁█▄ up to 1,600 in 5 ms");
        assert!(
            unicode[2].starts_with("load ▁▁▁") && unicode[2].ends_with("█▃ up to 291 in 15 ms"),
            "{unicode:?}"
        );
        assert_eq!(unicode[2].chars().count(), "load ".len() + 34 + " up to 291 in 15 ms".len());
        assert_eq!(unicode.len(), 3, "a series without values is nothing to see");
        assert_eq!(lines(&some(), 76, true)[1], "retries  ...@= up to 1,600 in 5 ms");
        assert_eq!(lines(&some(), 30, false)[..2], ["137 crash points, 1,234,567", "pairs, 1 restart"]);
        assert!(lines(&Figures::default(), 76, false).is_empty());
    }

    #[test]
    fn programs_get_all_of_it() {
        let json = serde_json::to_value(JsonFigures::of(&some())).expect("plain values");
        assert_eq!(json["counts"][0], serde_json::json!({ "name": "crash points", "many": 137 }));
        assert_eq!(json["series"][0]["bin_ns"], 5_000_000);
        assert_eq!(json["series"][0]["values"][4], 1_600);
        assert!(JsonFigures::of(&Figures::default()).is_none());
    }
}
