//! `faultlines`: the command line.
//!
//! Only this crate prints or exits. Data goes to standard output, everything else to standard error.

mod args;
mod candidates;
mod checks_table;
mod course;
mod dev;
mod diagram;
mod doctor;
mod figures;
mod grade;
mod hints;
mod interrupts;
mod isolation;
mod judging;
mod keys;
mod known_bugs;
mod last;
mod literals;
mod output;
mod pages;
mod progress;
mod replay;
mod replay_test;
mod report;
mod shell;
mod soak;
mod solution;
mod text;
mod variants;
mod verify;
mod watch;
mod workspace;

use args::{Args, Colour, Command, ProgressCommand};
use clap::Parser;
use rustix::fs::Mode;
use std::io::Write;
use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;
use std::sync::Mutex;

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

fn main() -> ExitCode {
    // Whatever the shell says, what this process creates is open to its own user.
    let mask = rustix::process::umask(Mode::empty());
    rustix::process::umask(mask & !Mode::RWXU);
    shell::complete_if_asked();
    let args = Args::parse();
    if args.ascii {
        text::draw_in_ascii();
    }
    match args.color {
        Colour::Auto => {}
        Colour::Always => anstream::ColorChoice::Always.write_global(),
        Colour::Never => anstream::ColorChoice::Never.write_global(),
    }
    std::panic::set_hook(Box::new(note_panic));
    if args.command.as_ref().is_some_and(Command::takes_long) {
        interrupts::watch();
    }
    match std::panic::catch_unwind(AssertUnwindSafe(|| run(args))) {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(Failed { exit, error })) => {
            complain(&error);
            exit.into()
        }
        Err(_) => {
            let noted = PANIC.lock().map(|mut noted| noted.take()).ok().flatten();
            complain(&anyhow::anyhow!(noted.unwrap_or_else(|| "a bug in the harness".to_owned())));
            Exit::HarnessFault.into()
        }
    }
}

/// Says on standard error what went wrong. Where nobody can hear it, the exit code has to do.
fn complain(error: &anyhow::Error) {
    let _ = writeln!(anstream::stderr(), "{}", text::error(error));
}

/// What the last panic was about.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Notes a panic in words for [`main`], which is told of no more than that there was one.
fn note_panic(panic: &PanicHookInfo<'_>) {
    let said = panic.payload_as_str().unwrap_or("no message");
    // how a `println` ends whose words nobody takes
    let told = match said.strip_prefix("failed printing to stdout: ") {
        Some(why) => format!("cannot write to standard output: {why}"),
        None => {
            let place = panic.location().map(|at| format!(" in {}, line {}", at.file(), at.line()));
            format!(
                "a bug in the harness{}: {said}; nothing of your work is lost. Please report this line",
                place.unwrap_or_default()
            )
        }
    };
    if let Ok(mut noted) = PANIC.lock() {
        *noted = Some(told);
    }
}

fn run(args: Args) -> Result<Exit, Failed> {
    if matches!(args.command, Some(Command::Replay(_) | Command::Verify(_) | Command::Soak(_))) {
        isolation::find_out()?;
    }
    match args.command {
        None | Some(Command::Progress { command: None }) => pages::overview(),
        Some(Command::Progress { command: Some(ProgressCommand::Merge { file }) }) => pages::merge(&file),
        Some(Command::Roadmap) => pages::roadmap(),
        Some(Command::Complete { what: args::Completable::Roadmap }) => pages::complete_roadmap(),
        Some(Command::Init { dir }) => pages::init(&dir),
        Some(Command::Update) => pages::update(),
        Some(Command::Next) => pages::next(),
        Some(Command::Reset(args)) => pages::reset(&args),
        Some(Command::Solution(args)) => solution::run(&args),
        Some(Command::Completions { shell }) => shell::completions(shell),
        Some(Command::Man) => shell::manual(),
        Some(Command::ExitCodes) => pages::exit_codes(),
        Some(Command::Doctor) => doctor::run(),
        Some(Command::List) => pages::list(),
        Some(Command::Hint { exercise, level }) => hints::hint(&exercise, level),
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
