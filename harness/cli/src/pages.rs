//! Pages to read: the overview, the list, hints.

use crate::course::Course;
use crate::text::{DIM, STRONG, styled, width, wrapped};
use crate::{Exit, Failed};
use anyhow::anyhow;

/// `faultlines` alone.
pub(crate) fn overview() -> Result<Exit, Failed> {
    list()?;
    anstream::println!("\nBegin with `faultlines grade 7/lamport`; `faultlines help` lists the commands.");
    Ok(Exit::Passed)
}

/// `faultlines list`.
pub(crate) fn list() -> Result<Exit, Failed> {
    let course = Course::load()?;
    for chapter in &course.chapters {
        anstream::println!(
            "{}",
            styled(STRONG, &format!("{}. {}", chapter.suite.number, chapter.about.title))
        );
        for exercise in &chapter.suite.exercises {
            let name = format!("{}/{}", chapter.suite.number, exercise.id);
            let summary = chapter.about(exercise.id).map_or("", |about| &about.summary);
            anstream::println!("   {name:<22} {:>3} XP   {summary}", exercise.xp());
        }
        for planned in chapter.suite.planned {
            let name = format!("{}/{}", chapter.suite.number, planned.id);
            anstream::println!("{}", styled(DIM, &format!("   {name:<22} {:>3} XP   planned", planned.xp)));
        }
    }
    Ok(Exit::Passed)
}

/// `faultlines hint`.
pub(crate) fn hint(name: &str, level: usize) -> Result<Exit, Failed> {
    let course = Course::load()?;
    let selected = course.select(&[name.to_owned()])?;
    let [selected] = selected[..] else {
        return Err(Failed::usage(anyhow!("hints are for one exercise: `faultlines hint {name}/…`")));
    };
    let about = selected.chapter.about(selected.exercise.id);
    let hints = about.map(|about| about.hints.as_slice()).unwrap_or_default();
    let Some(hint) = level.checked_sub(1).and_then(|nth| hints.get(nth)) else {
        return Err(Failed::usage(anyhow!(
            "`{name}` has hints 1 to {}: `faultlines hint {name} --level 1`",
            hints.len()
        )));
    };
    anstream::print!("{}", wrapped(hint.trim(), 0, width()));
    if level < hints.len() {
        let more = format!("\nMore: faultlines hint {name} --level {}", level + 1);
        anstream::println!("{}", styled(DIM, &more));
    }
    Ok(Exit::Passed)
}
