//! Judge a history in a file: `cargo run --release -p consistency --example check -- history.jsonl …`.
#![expect(clippy::print_stdout, reason = "a command prints")]

use std::process::ExitCode;
use std::time::Instant;

use consistency::jsonl::{self, Loaded};
use consistency::{Budget, History, Model, Verdict, linearizable};

fn main() -> ExitCode {
    let mut worst = ExitCode::SUCCESS;
    for path in std::env::args().skip(1) {
        let loaded = std::fs::read_to_string(&path)
            .map_err(|error| error.to_string())
            .and_then(|text| jsonl::read(&text).map_err(|error| error.to_string()));
        let verdict = match loaded {
            Err(error) => {
                println!("{path}: {error}");
                return ExitCode::from(2);
            }
            Ok((Loaded::Register(history), _)) => judge(&path, &history),
            Ok((Loaded::Cas(history), _)) => judge(&path, &history),
            Ok((Loaded::Kv(history), _)) => judge(&path, &history),
            Ok((Loaded::Mutex(history), _)) => judge(&path, &history),
            Ok((Loaded::Set(history), _)) => judge(&path, &history),
            Ok((Loaded::Counter(history), _)) => judge(&path, &history),
            Ok((Loaded::Queue(history), _)) => judge(&path, &history),
        };
        if !verdict.is_ok() {
            worst = ExitCode::from(1);
        }
    }
    worst
}

fn judge<M: Model>(path: &str, history: &History<M>) -> Verdict {
    let start = Instant::now();
    let verdict = linearizable(history, &Budget::default());
    let took = start.elapsed();
    println!("{path}: {} operations, {took:.1?}: {verdict}", history.len());
    if let Some(violation) = verdict.violation() {
        println!("  guilty: operation {}, {}", violation.guilty.0, history.describe(violation.guilty));
        for &id in violation.core.iter().take(12) {
            let op = &history[id];
            let returned = op.returned_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
            println!("  {:>10} … {returned:<10} {}", op.invoked_at, history.describe(id));
        }
        if violation.core.len() > 12 {
            println!("  … {} operations in all", violation.core.len());
        }
    }
    verdict
}
