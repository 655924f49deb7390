//! `faultlines dev new`: the frame of a new exercise, in every place that an exercise has. It compiles, and it is to
//! be written over: a node that answers with the number that it was asked for.

use crate::args::NewArgs;
use crate::course::CHAPTERS;
use crate::text::sayln;
use crate::{Exit, Failed};
use anyhow::{Context, anyhow, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// The folders of the nine chapters.
const FOLDERS: [&str; 9] = [
    "01-distributed",
    "02-failure-and-time",
    "03-replication",
    "04-consistency",
    "05-cap-pacelc",
    "06-consensus",
    "07-logical-clocks",
    "08-transactions",
    "09-reliability",
];
const PACKAGE: &str = "version.workspace = true\nedition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n";

pub(crate) fn new(args: &NewArgs) -> Result<Exit, Failed> {
    let frame = Frame::of(&args.root, &args.exercise).map_err(Failed::usage)?;
    let written = frame.write().map_err(Failed::usage)?;
    for path in written {
        sayln!("{path}");
    }
    sayln!(
        "\n  Run `cargo fmt --all`. Write over these, contract first. Then: faultlines verify freshness --repair {}",
        frame.number
    );
    Ok(Exit::Passed)
}

/// A new exercise, and where its project is.
struct Frame<'a> {
    root: &'a Path,
    number: usize,
    name: &'a str,
    /// What it was planned to be worth.
    xp: u32,
    /// What has been written, or changed.
    written: std::cell::RefCell<Vec<String>>,
}

impl<'a> Frame<'a> {
    fn of(root: &'a Path, exercise: &'a str) -> anyhow::Result<Frame<'a>> {
        let (chapter, name) = exercise
            .split_once('/')
            .with_context(|| format!("`{exercise}` is not an exercise: write one, such as 2/wal"))?;
        let number: usize = chapter
            .parse()
            .ok()
            .filter(|n| (1..=9).contains(n))
            .with_context(|| format!("`{chapter}` is not a chapter: the roadmap has chapters 1 to 9"))?;
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(is_plain) {
            bail!(
                "`{name}` is no name of a module: use lower case letters, digits and `_`, and begin with a letter"
            );
        }
        if !root.join("solutions").is_dir() {
            bail!("{} is no checkout of the project: name one with --root", root.display());
        }
        let frame = Frame { root, number, name, xp: 0, written: Default::default() };
        let contract = frame.contract();
        if root.join(&contract).exists() {
            bail!(
                "{contract} is there already: choose another name, or delete what is left of the old exercise"
            );
        }
        let xp = frame.planned_xp()?;
        Ok(Frame { xp, ..frame })
    }
    fn folder(&self) -> &'static str {
        FOLDERS[self.number - 1]
    }
    /// `ch02`, the crate of the chapter's suite.
    fn suite(&self) -> String {
        format!("ch{:02}", self.number)
    }
    /// `ch02_failure_and_time`, the library of the chapter's solution.
    fn solution(&self) -> String {
        format!("ch{}", self.folder().replace('-', "_"))
    }
    fn contract(&self) -> String {
        format!("harness/lab/src/contracts/{}.rs", self.name)
    }
    /// What the chapter plans for it; a chapter that is not there yet, or does not plan it, gives 1.
    fn planned_xp(&self) -> anyhow::Result<u32> {
        let path = self.root.join("tests").join(self.suite()).join("src/lib.rs");
        let text = if path.exists() { read(&path)? } else { String::new() };
        let planned = text.lines().find(|line| line.contains(&format!("Planned {{ id: \"{}\"", self.name)));
        let xp = planned.and_then(|line| line.split("xp: ").nth(1)?.split([' ', '}']).next()?.parse().ok());
        Ok(xp.unwrap_or(1))
    }

    fn write(&self) -> anyhow::Result<Vec<String>> {
        let (folder, suite, name) = (self.folder(), self.suite(), self.name);
        if !self.root.join("tests").join(&suite).is_dir() {
            self.new_chapter()?;
        }
        self.create(&self.contract(), include_str!("dev/contract.rs.txt"))?;
        self.insert("harness/lab/src/contracts/mod.rs", &format!("pub mod {name};"))?;
        self.create(&format!("solutions/{folder}/src/{name}.rs"), include_str!("dev/solution.rs.txt"))?;
        self.insert(&format!("solutions/{folder}/src/lib.rs"), &format!("pub mod {name};"))?;
        self.create(
            &format!("solutions/{folder}/mutants/{name}.diff"),
            include_str!("dev/mutants.diff.txt"),
        )?;
        self.create(&format!("tests/{suite}/second/src/{name}.rs"), include_str!("dev/second.rs.txt"))?;
        self.insert(&format!("tests/{suite}/second/src/lib.rs"), &format!("pub mod {name};"))?;
        for (file, text) in [
            ("mod.rs", include_str!("dev/suite_mod.rs.txt")),
            ("checks.rs", include_str!("dev/checks.rs.txt")),
            ("worlds.rs", include_str!("dev/worlds.rs.txt")),
            ("oracle.rs", include_str!("dev/oracle.rs.txt")),
        ] {
            self.create(&format!("tests/{suite}/src/{name}/{file}"), text)?;
        }
        self.insert(&format!("tests/{suite}/src/lib.rs"), &format!("mod {name};"))?;
        self.change(&format!("tests/{suite}/src/lib.rs"), |text| {
            let kept: Vec<&str> =
                text.lines().filter(|line| !line.contains(&format!("Planned {{ id: \"{name}\""))).collect();
            let text = kept.join("\n") + "\n";
            let (before, after) = text.split_once("exercises: vec![")?;
            let (listed, after) = after.split_once(']')?;
            let listed = listed.trim_end();
            let listed = match (listed.trim(), listed.strip_suffix(',')) {
                ("", _) => format!("{name}::exercise()"),
                (_, Some(listed)) => format!("{listed},\n            {name}::exercise(),\n        "),
                (_, None) => format!("{listed}, {name}::exercise()"),
            };
            Some(format!("{before}exercises: vec![{listed}]{after}"))
        })?;
        self.append(&format!("exercises/{folder}/chapter.toml"), include_str!("dev/exercise.toml.txt"))?;
        let section = self.filled(include_str!("dev/readme.md.txt"));
        self.change(&format!("exercises/{folder}/README.md"), |text| {
            let (before, after) = text.split_once("\n## The checks")?;
            Some(format!("{}\n{section}\n## The checks{after}", before.trim_end()))
        })?;
        Ok(self.written.take())
    }

    /// The crates and pages of a chapter that has no exercise yet.
    fn new_chapter(&self) -> anyhow::Result<()> {
        let (folder, suite, number) = (self.folder(), self.suite(), self.number);
        let title = CHAPTERS[number - 1];
        let lib = format!("\n[lib]\nname = \"{}\"\n", self.solution());
        self.create(
            &format!("solutions/{folder}/Cargo.toml"),
            &format!(
                "[package]\nname = \"solution-{folder}\"\ndescription = \"Reference solutions of chapter {number}\"\n{PACKAGE}{lib}\n\
                 [dependencies]\nlab.workspace = true\nserde.workspace = true\n\n[lints.rust]\nunsafe_code = \"forbid\"\n"
            ),
        )?;
        self.create(
            &format!("solutions/{folder}/src/lib.rs"),
            &format!(
                "//! Chapter {number}: {}. One module an exercise; README.md has the reading.\n\n",
                title.to_lowercase()
            ),
        )?;
        self.create(
            &format!("tests/{suite}/Cargo.toml"),
            &format!(
                "[package]\nname = \"{suite}\"\ndescription = \"The hidden suite of chapter {number}\"\n{PACKAGE}\n[dependencies]\n\
                 judge.workspace = true\nkit.workspace = true\nlab.workspace = true\nsolution-{folder}.workspace = true\nworld.workspace = \
                 true\n\n[lints]\nworkspace = true\n"
            ),
        )?;
        self.create(
            &format!("tests/{suite}/src/lib.rs"),
            &format!(
                "//! Chapter {number}: {}.\n\nuse judge::Chapter;\n\n/// The chapter.\npub fn chapter() -> Chapter {{\n    Chapter {{\n        \
                 number: {number},\n        folder: \"{folder}\",\n        title: \"{title}\",\n        exercises: vec![],\n        planned: \
                 &[],\n    }}\n}}\n",
                title.to_lowercase()
            ),
        )?;
        self.create(
            &format!("tests/{suite}/second/src/lib.rs"),
            &format!("//! Second correct implementations of chapter {number}, of other structure than the references.\n\n"),
        )?;
        self.create(
            &format!("exercises/{folder}/Cargo.toml"),
            &format!(
                "[package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n[dependencies]\nlab.workspace = \
                 true\nserde.workspace = true\n\n[dev-dependencies]\nworld.workspace = true\n",
                self.solution().replace('_', "-")
            ),
        )?;
        self.create(
            &format!("exercises/{folder}/chapter.toml"),
            &format!("# What this chapter is made of, and its hints. Workspaces of students do not have this file.\nnumber = {number}\ntitle = \"{title}\"\n"),
        )?;
        self.create(
            &format!("exercises/{folder}/README.md"),
            &format!(
                "# {title}\n\n## The checks\n\n{}\n{}\n",
                crate::checks_table::BEGIN,
                crate::checks_table::END
            ),
        )?;
        self.insert("Cargo.toml", &format!("{suite} = {{ path = \"tests/{suite}\" }}"))?;
        self.insert("Cargo.toml", &format!("solution-{folder} = {{ path = \"solutions/{folder}\" }}"))?;
        self.insert("tests/course/Cargo.toml", &format!("{suite}.workspace = true"))?;
        self.change("tests/course/src/lib.rs", |text| {
            let (before, after) = text.split_once("vec![")?;
            let (listed, after) = after.split_once(']')?;
            let mut calls: Vec<String> = listed.split(',').map(|call| call.trim().to_owned()).collect();
            calls.retain(|call| !call.is_empty());
            calls.push(format!("{suite}::chapter()"));
            calls.sort();
            Some(format!("{before}vec![{}]{after}", calls.join(", ")))
        })?;
        self.change("exercises/Cargo.toml", |text| {
            let (before, after) = text.split_once("members = [")?;
            let (listed, after) = after.split_once(']')?;
            let mut members: Vec<String> = listed.split(',').map(|member| member.trim().to_owned()).collect();
            members.retain(|member| !member.is_empty());
            members.push(format!("\"{folder}\""));
            members.sort();
            Some(format!("{before}members = [{}]{after}", members.join(", ")))
        })
    }

    fn filled(&self, template: &str) -> String {
        let camel: String = self
            .name
            .split('_')
            .map(|word| word[..1.min(word.len())].to_uppercase() + &word[1.min(word.len())..])
            .collect();
        [
            ("@name@", self.name),
            ("@Name@", &camel),
            ("@dashed@", &self.name.replace('_', "-")),
            ("@number@", &self.number.to_string()),
            ("@solution@", &self.solution()),
            ("@xp@", &self.xp.to_string()),
        ]
        .into_iter()
        .fold(template.to_owned(), |text, (mark, with)| text.replace(mark, with))
    }
    fn note(&self, path: &str) {
        let mut written = self.written.borrow_mut();
        if !written.iter().any(|known| known == path) {
            written.push(path.to_owned());
        }
    }
    fn create(&self, path: &str, template: &str) -> anyhow::Result<()> {
        let file = self.root.join(path);
        if file.exists() {
            bail!("{path} is there already: nothing of it is written over");
        }
        let folder = file.parent().map(PathBuf::from).unwrap_or_default();
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        fs::write(&file, self.filled(template)).with_context(|| format!("cannot write {path}"))?;
        self.note(path);
        Ok(())
    }
    fn append(&self, path: &str, template: &str) -> anyhow::Result<()> {
        let more = self.filled(template);
        self.change(path, |text| Some(format!("{}\n{more}", text.trim_end())))
    }
    /// Puts a line among the lines of its kind, in their order: before the first one that is later.
    fn insert(&self, path: &str, line: &str) -> anyhow::Result<()> {
        let kind = kind(line);
        self.change(path, |text| {
            let lines: Vec<&str> = text.lines().collect();
            let of_kind = |at: &usize| self::kind(lines[*at]) == kind;
            let later = (0..lines.len()).find(|at| of_kind(at) && lines[*at] > line);
            let place =
                later.or_else(|| (0..lines.len()).rev().find(of_kind).map(|last| last + 1)).unwrap_or_else(
                    || lines.iter().position(|line| line.starts_with("use ")).unwrap_or(lines.len()),
                );
            let alone = !(0..lines.len()).any(|at| of_kind(&at)) && place < lines.len();
            let mut all: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            all.insert(place, if alone { format!("{line}\n") } else { line.to_owned() });
            Some(all.join("\n") + "\n")
        })
    }
    fn change(&self, path: &str, change: impl Fn(&str) -> Option<String>) -> anyhow::Result<()> {
        let file = self.root.join(path);
        let changed = change(&read(&file)?)
            .ok_or_else(|| anyhow!("{path} does not look as it should: add the exercise there by hand"))?;
        fs::write(&file, changed).with_context(|| format!("cannot write {path}"))?;
        self.note(path);
        Ok(())
    }
}
/// What a line is among: the modules, the paths of suites, the paths of solutions, the dependencies.
fn kind(line: &str) -> Option<&'static str> {
    let begins = |with: &str| line.starts_with(with);
    match line {
        _ if begins("pub mod ") => Some("public modules"),
        _ if begins("mod ") => Some("modules"),
        _ if begins("ch0") && line.contains("path = \"tests/") => Some("suites"),
        _ if begins("solution-") && line.contains("path = \"solutions/") => Some("solutions"),
        _ if begins("ch0") && line.ends_with(".workspace = true") => Some("dependencies"),
        _ => None,
    }
}
fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
