//! Where the texts are: sources of suites, `chapter.toml`, `README.md`.

use std::fs;
use std::path::{Path, PathBuf};

/// A chapter of the course, in this checkout.
pub(crate) struct Chapter {
    pub(crate) suite: judge::Chapter,
    /// Its folder among the exercises.
    pub(crate) folder: String,
}
impl Chapter {
    pub(crate) fn all() -> Vec<Chapter> {
        let chapters = course::chapters().into_iter();
        chapters.map(|suite| Chapter { folder: suite.folder.to_owned(), suite }).collect()
    }
    fn read(&self, name: &str) -> String {
        let path = root().join("exercises").join(&self.folder).join(name);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }
}
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The hints of each exercise.
pub(crate) fn hints(chapter: &Chapter) -> Vec<(String, Vec<String>)> {
    let about: toml::Table = chapter.read("chapter.toml").parse().expect("chapter.toml is TOML");
    let exercises = about.get("exercise").and_then(toml::Value::as_array).into_iter().flatten();
    let text = |value: &toml::Value| value.as_str().expect("a text").to_owned();
    let hints = exercises.map(|exercise| {
        let hints = exercise["hints"].as_array().expect("hints").iter().map(text).collect();
        (text(&exercise["id"]), hints)
    });
    hints.collect()
}

/// The prose of a README: no code, no tables, no headings, no lists of sources.
pub(crate) fn paragraphs(chapter: &Chapter) -> Vec<String> {
    let readme = chapter.read("README.md");
    let prose: Vec<&str> = readme.split("```").step_by(2).collect();
    let mut paragraphs = Vec::new();
    for paragraph in prose.iter().flat_map(|prose| prose.split("\n\n")) {
        let begins = |with: &&str| paragraph.trim_start_matches('\n').starts_with(*with);
        if ["    ", "|", "#", "<!--", "*Source"].iter().any(begins) {
            continue;
        }
        // items of lists are sentences of their own
        let mut item = String::new();
        for line in paragraph.lines() {
            if line.starts_with("- ")
                || line.split_once(". ").is_some_and(|(nth, _)| nth.parse::<u32>().is_ok())
            {
                paragraphs.push(std::mem::take(&mut item));
            }
            item = item + line.trim_start_matches("- ") + " ";
        }
        paragraphs.push(item);
    }
    // marks of emphasis hide where sentences end
    paragraphs
        .iter()
        .map(|text| text.replace(['*', '"'], "").replace(';', ".").trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}

/// Sentences that suites make of what they see, and words that stand beside events in a story: each with its file.
pub(crate) fn violations() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("tests/kit/src")];
    for entry in fs::read_dir(root().join("tests")).expect("the suites").flatten() {
        if entry.file_name().to_string_lossy().starts_with("ch") {
            folders.push(entry.path().join("src"));
        }
    }
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && name != "checks.rs" {
                let source = fs::read_to_string(&path).expect("a source");
                let code = source.split("#[cfg(test)]").next().unwrap_or_default();
                let place = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
                found.extend(
                    literals(code).into_iter().filter(|text| is_read(text)).map(|text| (place.clone(), text)),
                );
            }
        }
    }
    found.sort();
    found
}
/// Whether a person reads it: it has several words, and begins with a node or ends as a sentence does.
fn is_read(text: &str) -> bool {
    text.split_whitespace().count() > 3
        && (text.starts_with('{') || text.ends_with('.'))
        && !text.contains("\\n")
}
/// The string literals of a source, with lines that go on joined.
fn literals(source: &str) -> Vec<String> {
    let mut literals = Vec::new();
    let mut rest = source;
    while let Some(next) = rest.find(['"', '/', '\'']) {
        let after = &rest[next..];
        if after.starts_with("//") {
            rest = after.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(after) = after.strip_prefix("'\"'") {
            rest = after;
        } else if let Some(after) = after.strip_prefix('"') {
            let mut escaped = false;
            let end = after.find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            let Some(end) = end else { break };
            let lines = after[..end].split("\\\n").map(str::trim_start);
            literals.push(lines.collect::<Vec<&str>>().join(""));
            rest = &after[end + 1..];
        } else {
            rest = &after[1..];
        }
    }
    literals
}
