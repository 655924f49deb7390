//! What the command line takes.

use crate::candidates;
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCandidates;
use host::Layers;
use std::ffi::OsString;
use std::num::ParseIntError;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Learn distributed systems by doing: write a node, and see it graded under injected faults.
#[derive(Debug, Parser)]
#[command(name = "faultlines", version, max_term_width = 100)]
pub(crate) struct Args {
    /// Draw with ASCII characters only
    #[arg(long, global = true)]
    pub(crate) ascii: bool,
    /// Whether to write in colours; `auto` does on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}
impl Shell {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Shell::Bash => "bash",
            Shell::Elvish => "elvish",
            Shell::Fish => "fish",
            Shell::Powershell => "powershell",
            Shell::Zsh => "zsh",
        }
    }
}

/// What `faultlines help exit-codes` says.
pub(crate) const EXIT_CODES: &str = "\
How faultlines ends

  0  All that was asked for passed. With --min-score N: at least N percent of the XP are earned.
  1  Some check did not pass.
  2  The command line is wrong, or a file or folder that it names.
  3  The submission does not compile.
  4  The harness or this machine is at fault, never the student. The message says what to do.

A grade of several chapters ends with the worst of their codes: 4, then 2, then 3, then 1.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a folder with all exercises; needs no network
    Init {
        /// The folder to create
        dir: PathBuf,
    },
    /// Bring back what is missing in a workspace, after a `git clone` for example; nothing of yours is changed
    Update,
    /// Show the next exercise and how to begin it
    Next,
    /// Grade your solutions, or another submission
    Grade(GradeArgs),
    /// Grade what you save, as soon as you save it
    Watch(WatchArgs),
    /// Repeat a run that failed, and show what happened
    Replay(ReplayArgs),
    /// Grade under fresh random seeds until something fails or the time is over; earn no XP
    Soak(SoakArgs),
    /// Show your progress, as `faultlines` alone does; or take in that of another machine
    Progress {
        #[command(subcommand)]
        command: Option<ProgressCommand>,
    },
    /// List chapters and exercises
    List,
    /// Show the next hint for an exercise
    Hint {
        /// The exercise, such as 7/lamport
        #[arg(add = ArgValueCandidates::new(candidates::exercises))]
        exercise: String,
        /// Which hint, from 1 to 3 [default: the one after the last that you have read]
        #[arg(long)]
        level: Option<usize>,
    },
    /// Restore the skeleton of an exercise, or of a chapter; a copy of your files is kept
    Reset(ResetArgs),
    /// Show the reference solution of an exercise beside yours, once yours passes
    Solution(SolutionArgs),
    /// Read the roadmap
    Roadmap,
    /// Mark the roadmap as read
    Complete {
        /// What to mark
        #[arg(value_enum)]
        what: Completable,
    },
    /// Print a script that lets a shell complete commands, exercises and checks
    ///
    /// For bash, add this line to ~/.bashrc: source <(faultlines completions bash). For zsh, the same with zsh in ~/.zshrc. For fish:
    /// faultlines completions fish > ~/.config/fish/completions/faultlines.fish
    Completions {
        /// Which shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page; `faultlines man | man -l -` shows it
    Man,
    /// Explain the exit codes
    #[command(long_about = EXIT_CODES)]
    ExitCodes,
    /// Check this machine: what is there, what is missing, and what that means
    Doctor,
    /// Grade the grader: check solutions, skeletons and known wrong submissions
    Verify(VerifyArgs),
    /// Commands for authors of exercises
    #[command(subcommand)]
    Dev(Dev),
}

impl Command {
    /// Whether it runs code that is graded.
    pub(crate) fn runs_submissions(&self) -> bool {
        matches!(
            self,
            Command::Grade(_)
                | Command::Replay(_)
                | Command::Verify(_)
                | Command::Soak(_)
                | Command::Watch(_)
        )
    }
    /// Whether somebody may want to end it before it has ended.
    pub(crate) fn takes_long(&self) -> bool {
        self.runs_submissions() || matches!(self, Command::Doctor)
    }
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Dev {
    /// Write the frame of a new exercise: contract, skeleton, reference, second solution, suite, mutants, README section
    New(NewArgs),
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum ProgressCommand {
    /// Add what was earned on another machine: of each check the better one counts
    Merge {
        /// The other machine's .faultlines/progress.toml
        file: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct ResetArgs {
    /// The exercise, such as 7/lamport, or the chapter, such as 7
    #[arg(required_unless_present = "list", add = ArgValueCandidates::new(candidates::exercises))]
    pub(crate) exercise: Option<String>,
    /// List the copies of your files that were kept
    #[arg(long)]
    pub(crate) list: bool,
    /// Put one of these copies back; what is in its place is kept
    #[arg(long, value_name = "NAME", conflicts_with = "list")]
    pub(crate) restore: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SolutionArgs {
    /// The exercise, such as 7/lamport
    #[arg(add = ArgValueCandidates::new(candidates::exercises))]
    pub(crate) exercise: String,
    /// Show the second solution, of another design, in the place of the reference
    #[arg(long)]
    pub(crate) second: bool,
    /// Show it before all checks have passed. Checks that have not passed by then earn no XP any more
    #[arg(long)]
    pub(crate) give_up: bool,
    /// Show the solution alone, not beside yours
    #[arg(long)]
    pub(crate) alone: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct NewArgs {
    /// The exercise, such as 2/wal
    pub(crate) exercise: String,
    /// The root of the checkout
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) root: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Completable {
    /// The roadmap, read to its end
    Roadmap,
}

#[derive(Debug, clap::Args)]
pub(crate) struct GradeArgs {
    /// What to grade: a chapter (7), an exercise (7/lamport) or a check (7/lamport/restart) [default: everything]
    #[arg(value_name = "CHAPTER[/EXERCISE[/CHECK]]", add = ArgValueCandidates::new(candidates::exercises))]
    pub(crate) what: Vec<String>,
    /// The folder that holds the chapters' folders, such as 07-logical-clocks
    #[arg(long, value_name = "DIR")]
    pub(crate) submission: Option<PathBuf>,
    /// Derive the seeds of all runs from this secret, instead of the public default
    #[arg(long, value_name = "KEY", env = "FAULTLINES_SEED_KEY", hide_env_values = true)]
    pub(crate) seed_key: Option<OsString>,
    /// How to print the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Write the report to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Pass if N percent of the XP are earned, instead of every check
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(crate) min_score: Option<u32>,
    /// Refuse to grade if this machine cannot isolate submissions from files and system calls; implied by CI=true
    #[arg(long, conflicts_with = "no_sandbox")]
    pub(crate) strict: bool,
    /// Add timings to the JSON report
    #[arg(long)]
    pub(crate) timings: bool,
    /// Shrink the first failure of each exercise, trying at most N smaller runs; 0 turns shrinking off
    #[arg(long, value_name = "N", default_value_t = SHRINK_RUNS, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) shrink: u32,
    #[command(flatten)]
    pub(crate) how: HowArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WatchArgs {
    /// What to watch: a chapter (7) or an exercise (7/lamport); everything if not given
    #[arg(value_name = "CHAPTER[/EXERCISE]", add = ArgValueCandidates::new(candidates::exercises))]
    pub(crate) what: Vec<String>,
    /// Look at the files every half second, where the file system sends no word of changes
    #[arg(long)]
    pub(crate) poll: bool,
    /// The editor that the key `o` opens; $VISUAL or $EDITOR if not given
    #[arg(long, value_name = "COMMAND")]
    pub(crate) edit_cmd: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SoakArgs {
    /// What to soak: a chapter (7) or an exercise (7/lamport); everything if not given
    #[arg(value_name = "CHAPTER[/EXERCISE]", add = ArgValueCandidates::new(candidates::exercises))]
    pub(crate) what: Vec<String>,
    /// For how long: 30s, 5m or 2h. The exercise that is under way then is judged to its end
    #[arg(long = "for", value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(crate) lasts: Duration,
    /// The folder that holds the chapters' folders, such as 07-logical-clocks
    #[arg(long, value_name = "DIR")]
    pub(crate) submission: Option<PathBuf>,
    /// Shrink the failure, trying at most N smaller runs; 0 turns shrinking off
    #[arg(long, value_name = "N", default_value_t = SHRINK_RUNS, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) shrink: u32,
    #[command(flatten)]
    pub(crate) how: HowArgs,
}

/// How many smaller runs are tried to shrink a failure, by default: about two seconds' worth.
pub(crate) const SHRINK_RUNS: u32 = 500;

#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// The check, such as 7/lamport/restart [default: the first that failed in the last grade]
    #[arg(value_name = "CHAPTER/EXERCISE/CHECK", add = ArgValueCandidates::new(candidates::checks))]
    pub(crate) what: Option<String>,
    /// The folder that holds the chapters' folders, such as 07-logical-clocks
    #[arg(long, value_name = "DIR")]
    pub(crate) submission: Option<PathBuf>,
    /// The number of the run, as a report shows it
    #[arg(long, value_name = "N")]
    pub(crate) world: Option<u32>,
    /// The seed of the run, as a report shows it
    #[arg(long, value_name = "SEED", requires = "world")]
    pub(crate) seed: Option<String>,
    /// Derive the seed from this secret instead of the public default
    #[arg(long, value_name = "KEY", env = "FAULTLINES_SEED_KEY", hide_env_values = true)]
    pub(crate) seed_key: Option<OsString>,
    /// Shrink the run, trying at most N smaller runs; 0 turns shrinking off
    #[arg(long, value_name = "N", default_value_t = SHRINK_RUNS, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) shrink: u32,
    /// Also print everything that happened in the run that is shown; with --shrink 0, in the whole run
    #[arg(long)]
    pub(crate) full: bool,
    /// Write everything that happened in the run that is shown to this file, as JSON; with --shrink 0, in the whole run
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write this run as a test into the chapter's tests/, for a debugger
    #[arg(long)]
    pub(crate) test: bool,
    #[command(flatten)]
    pub(crate) how: HowArgs,
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct HowArgs {
    /// Judge N runs for each check
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) worlds: Option<u32>,
    /// Judge W runs side by side; with 1, each runs alone, in fresh processes
    #[arg(long, value_name = "W", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) batch: u16,
    /// Spend at most S seconds of processor time on each check
    #[arg(long, value_name = "S", default_value_t = judge::Options::BUDGET.as_secs(), value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) budget: u64,
    /// Judge on N cores [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) workers: Option<u16>,
    /// Run the submission without the sandbox, to debug your own code; the report says so
    #[arg(long)]
    pub(crate) no_sandbox: bool,
}
impl HowArgs {
    /// How the code that is graded is confined.
    pub(crate) fn layers(&self) -> Layers {
        crate::isolation::layers(self.no_sandbox)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct VerifyArgs {
    /// Which gate
    #[arg(value_enum)]
    pub(crate) gate: Gate,
    /// Only mutants, right programs, and submissions that misbehave, whose id has this in it
    #[arg(long, value_name = "WORD", default_value = "")]
    pub(crate) only: String,
    /// Mutants: compile without optimisation, which takes less time than it costs. Determinism: in three ways, with eight worlds a
    /// check, without second solutions and submissions that take a time limit to end
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only this chapter (7); solutions, mutants, right and survivors take an exercise (7/lamport), too
    #[arg(value_name = "CHAPTER[/EXERCISE]")]
    pub(crate) part: Option<Part>,
    /// Survivors and right programs: only one in so many, chosen by a hash of their ids
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) sample: u32,
    /// Mutants: only one for each check, chosen by a hash of their ids
    #[arg(long)]
    pub(crate) each_check: bool,
    /// Under so many random seed keys, besides the default one
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) keys: u32,
    /// Write generated files anew where they are stale (freshness only)
    #[arg(long)]
    pub(crate) repair: bool,
    /// Instead of the gate, judge one check so many times over, and want the same every time (determinism only)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) repeat: u32,
    /// The root of the checkout
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) root: PathBuf,
    #[command(flatten)]
    pub(crate) how: HowArgs,
}

/// A chapter, or one of its exercises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) chapter: u8,
    pub(crate) exercise: Option<String>,
}
impl FromStr for Part {
    type Err = ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (chapter, exercise) = match text.split_once('/') {
            Some((chapter, exercise)) => (chapter, Some(exercise.to_owned())),
            None => (text, None),
        };
        Ok(Part { chapter: chapter.parse()?, exercise })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Gate {
    /// Every reference, and every second correct implementation, passes every check
    Solutions,
    /// Every skeleton compiles without a warning and scores 0, all "not started"
    Skeletons,
    /// Every known wrong submission gets the verdict it should, from the check that should
    Mutants,
    /// Right programs that are unlike the references pass every check
    Right,
    /// Every small wrong program next to a right one is caught, or listed with the reason why it is right, too
    Survivors,
    /// Two grades of one submission are one report, however its runs are batched, on however many cores
    Determinism,
    /// Skeletons are what the references generate; ids agree; every card of a known bug fits its reference
    Freshness,
    /// The failures of known wrong submissions are told in few events
    Stories,
    /// References and mutants get one report, with the sandbox and without
    Sandbox,
    /// How soon each known wrong submission is found out: a measurement
    Speed,
    /// Every attack succeeds without the layer that stops it, and fails with the sandbox
    Attacks,
    /// Freshness, skeletons, solutions, right, mutants and determinism, one after another: what every change has to pass
    All,
}

/// `30s`, `5m`, `2h`; a number alone counts seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let units = [('s', 1), ('m', 60), ('h', 3_600)];
    let with_unit = units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(*unit)?, *seconds)));
    let (number, seconds) = with_unit.unwrap_or((text, 1));
    let wrong = || format!("`{text}` is no time: write 30s, 5m or 2h");
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let lasts = number.checked_mul(seconds).filter(|seconds| (1..=604_800).contains(seconds));
    lasts.map(Duration::from_secs).ok_or_else(|| format!("`{text}` is not between 1s and 168h"))
}

#[cfg(test)]
mod tests {
    use super::duration;
    use std::time::Duration;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, seconds) in [("30s", 30), ("5m", 300), ("2h", 7_200), ("45", 45), (" 1s ", 1)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "0s", "-3s", "3d", "1.5s", "999999999h", "18446744073709551615m", "5 µ"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
