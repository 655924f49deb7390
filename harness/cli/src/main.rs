//! `faultlines`: the command line.
//!
//! Only this crate prints or exits. Data goes to standard output, everything else to standard error.

mod args;
mod checks_table;
mod course;
mod dev;
mod diagram;
mod doctor;
mod failures;
mod figures;
mod grade;
mod isolation;
mod judging;
mod keys;
mod known_bugs;
mod literals;
mod pages;
mod progress;
mod replay;
mod replay_test;
mod report;
mod soak;
mod text;
mod variants;
mod verify;
mod watch;
mod workspace;

use args::{Args, Command};
use clap::Parser;
use std::process::ExitCode;

/// What the exit code says; scripts rely on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All that was asked for passed.
    Passed = 0,
    /// Some check did not pass.
    ChecksFailed = 1,
    /// The command line, or a file or folder that it names, is wrong.
    Usage = 2,
    /// The submission does not compile.
    BuildFailed = 3,
    /// The harness or the machine is at fault, never the student.
    HarnessFault = 4,
}
impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// An error with the exit code that it ends in.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) exit: Exit,
    pub(crate) error: anyhow::Error,
}
impl Failed {
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Failed {
        Failed { exit: Exit::Usage, error: error.into() }
    }
    pub(crate) fn harness(error: impl Into<anyhow::Error>) -> Failed {
        Failed { exit: Exit::HarnessFault, error: error.into() }
    }
}
impl From<build::Error> for Failed {
    fn from(error: build::Error) -> Failed {
        let exit = if error.is_submission_fault() { Exit::BuildFailed } else { Exit::HarnessFault };
        Failed { exit, error: error.into() }
    }
}
impl From<host::HostError> for Failed {
    fn from(error: host::HostError) -> Failed {
        Failed::harness(error)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let work = tokio::task::spawn_blocking(move || run(args));
    // Guests die with this process, and files are written whole or not at all: it may end anywhere.
    let done = tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => {
            keys::give_back();
            std::process::exit(130)
        }
    };
    match done {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(Failed { exit, error })) => {
            anstream::eprintln!("{}", text::error(&error));
            exit.into()
        }
        Err(panicked) => {
            anstream::eprintln!("{}", text::error(&anyhow::anyhow!("a bug in the harness: {panicked}")));
            Exit::HarnessFault.into()
        }
    }
}

fn run(args: Args) -> Result<Exit, Failed> {
    match args.command {
        None | Some(Command::Progress) => pages::overview(),
        Some(Command::Roadmap) => pages::roadmap(),
        Some(Command::Complete { what: args::Completable::Roadmap }) => pages::complete_roadmap(),
        Some(Command::Init { dir }) => pages::init(&dir),
        Some(Command::Next) => pages::next(),
        Some(Command::Reset { exercise }) => pages::reset(&exercise),
        Some(Command::Doctor) => doctor::run(),
        Some(Command::List) => pages::list(),
        Some(Command::Hint { exercise, level }) => pages::hint(&exercise, level),
        Some(Command::Grade(args)) => grade::run(&args),
        Some(Command::Replay(args)) => replay::run(&args),
        Some(Command::Soak(args)) => soak::run(&args),
        Some(Command::Watch(args)) => watch::run(&args),
        Some(Command::Verify(args)) => verify::run(&args),
        Some(Command::Dev(args::Dev::New(args))) => dev::new(&args),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    /// It would not if the runtime of guests were linked into this program, which takes the place of libc's clocks.
    #[test]
    fn the_clock_of_the_harness_moves() {
        let begun = Instant::now();
        assert!((0..100_000_000_u32).any(|_| Instant::now() > begun));
        assert!(std::thread::Builder::new().spawn(|| ()).is_ok());
    }
}
