//! Text for people: wrapped, escaped, readable without colour.

use anstyle::{AnsiColor, Style};
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const STRONG: Style = Style::new().bold();

static ASCII: AtomicBool = AtomicBool::new(false);
/// From here on only ASCII characters are drawn.
pub(crate) fn draw_in_ascii() {
    ASCII.store(true, Ordering::Relaxed);
}
/// Whether only ASCII characters are to be drawn.
pub(crate) fn is_ascii() -> bool {
    ASCII.load(Ordering::Relaxed)
}
/// A text for a terminal, with its marks as this terminal can draw them.
pub(crate) fn drawn(text: String) -> String {
    if is_ascii() { plain(&text) } else { text }
}
/// Prints a line on standard output, for people.
macro_rules! sayln {
    () => { anstream::println!() };
    ($($text:tt)*) => { anstream::println!("{}", $crate::text::drawn(format!($($text)*))) };
}
/// Prints a text on standard output, for people.
macro_rules! say {
    ($($text:tt)*) => { anstream::print!("{}", $crate::text::drawn(format!($($text)*))) };
}
pub(crate) use {say, sayln};

/// A path, as a link that a terminal opens where it can.
pub(crate) fn link(path: &Path) -> String {
    let shown = harmless(&path.display().to_string());
    let full =
        path.canonicalize().ok().filter(|_| supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout));
    // a link holds no space, and no character that ends it
    let full = full
        .and_then(|full| full.to_str().map(str::to_owned))
        .filter(|full| full.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte)));
    full.map_or_else(|| shown.clone(), |full| format!("\x1b]8;;file://{full}\x1b\\{shown}\x1b]8;;\x1b\\"))
}

/// The columns to write for: the terminal's, up to 100; 80 where there is none.
pub(crate) fn width() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0).clamp(40, 100))
}

/// `text` in a style.
pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// `text` on lines of at most `width`, each behind `indent` columns.
pub(crate) fn wrapped(text: &str, indent: usize, width: usize) -> String {
    let margin = " ".repeat(indent);
    let options = textwrap::Options::new(width).initial_indent(&margin).subsequent_indent(&margin);
    let mut lines = String::new();
    for line in text.lines() {
        // where lines are broken anew, a command may come to begin one
        for line in textwrap::fill(line, &options).split('\n') {
            let _ = writeln!(lines, "{}", no_command(line));
        }
    }
    lines
}

/// A line of a table: a mark, a name, and a text that is wrapped behind them.
pub(crate) fn row(mark: &str, name: &str, text: &str, width: usize) -> String {
    const BEGIN: usize = 16;
    let text = wrapped(text, BEGIN, width);
    format!("{mark} {name:<13} {}", text.trim())
}

/// What a submission said, made harmless: no control character but the line feed reaches a terminal or a log.
pub(crate) fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        // what a CI system would take for a command, in the middle of a line (`##[…]`, `##vso[…]`)
        if c == '#' && safe.ends_with('#') {
            safe.push(' ');
        }
        if c.is_control() && c != '\n' || is_invisible(c) {
            let _ = write!(safe, "{}", c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    let lines: Vec<String> = safe.split('\n').map(no_command).collect();
    lines.join("\n")
}

/// What turns the direction of a text, ends a line where nobody sees it, or takes no room at all: with it one text looks like
/// another.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// A line that begins with `::` (blanks aside) is a command to some CI systems.
fn no_command(line: &str) -> String {
    let text = line.trim_start();
    match text.strip_prefix("::") {
        Some(rest) => format!("{}: :{rest}", &line[..line.len() - text.len()]),
        None => line.to_owned(),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(names: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match &names[..] {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
    }
}

/// Says something on standard error that ends nothing.
pub(crate) fn warn(warning: String) {
    anstream::eprintln!("{} {warning}", styled(BAD, "note:"));
}
/// An error for standard error.
pub(crate) fn error(error: &anyhow::Error) -> String {
    format!("{BAD}error:{BAD:#} {}", sentence(error))
}
/// An error, and what helps against it where that is known.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        // some errors say their cause themselves
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            let _ = write!(said, ": {cause}");
        }
    }
    if let Some(mend) = mend(error).filter(|_| !said.contains("ulimit")) {
        let _ = write!(said, "; {mend}");
    }
    harmless(&said)
}
/// What helps where this machine has run out of something.
fn mend(error: &anyhow::Error) -> Option<&'static str> {
    let of_system = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>()?.raw_os_error());
    match of_system {
        // EMFILE, ENFILE
        Some(23 | 24) => Some("run `ulimit -n 1024` and try again"),
        // EAGAIN, of threads and processes
        Some(11) => Some(
            "end programs that you do not need, or raise the limit of processes (`ulimit -u`; in a container, its own), and try again",
        ),
        // ENOMEM
        Some(12) => {
            Some("end programs that you do not need, or give this machine more memory, and try again")
        }
        _ => None,
    }
}
/// The same in plain letters.
pub(crate) fn plain(text: &str) -> String {
    let letter = |c: char| match c {
        '✔' => "+".to_owned(),
        '✘' | '✗' => "x".to_owned(),
        '○' => "o".to_owned(),
        '█' => "#".to_owned(),
        '░' => ".".to_owned(),
        '│' => "|".to_owned(),
        '…' => "...".to_owned(),
        '→' => "->".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(letter).collect()
}

/// A line for who waits while the kit is prepared; none for the small steps.
pub(crate) fn preparing(step: &build::Preparing) -> Option<String> {
    match step {
        build::Preparing::Waiting => {
            Some("Waiting for another faultlines that prepares the compiler kit …".into())
        }
        build::Preparing::Started { about_s } => {
            Some(format!("Preparing the compiler kit: once for this machine, about {about_s} s …"))
        }
        build::Preparing::Compiled { .. } => None,
    }
}

/// A bar on standard error, for a terminal only.
pub(crate) fn bar(checks: u64) -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::with_draw_target(Some(checks), indicatif::ProgressDrawTarget::stderr());
    let style = indicatif::ProgressStyle::with_template("{bar:30} {pos}/{len} checks  {msg}");
    bar.with_style(style.expect("the template is well formed"))
}
