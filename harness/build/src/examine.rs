//! What `faultlines doctor` asks of a machine: the same that a grade does, in the same places, step by step.

use crate::error::{At, Error};
use crate::kit::{Kit, Preparing};
use crate::machine;
use crate::toolchain::Toolchain;
use confine::Layers;
use std::path::Path;

/// What was found, by what was looked for: a description, or what is wrong and how to mend it. What cannot be tried
/// because something before it is missing is left out. `layers` are those that this machine has: a grade compiles in them.
pub fn examine(
    cache: &Path,
    layers: Layers,
    progress: impl FnMut(Preparing),
) -> Vec<(&'static str, Result<String, String>)> {
    let mut found = Vec::new();
    let said = |error: Error| error.to_string();
    let toolchain = Toolchain::find();
    let first = |toolchain: &Toolchain| {
        let version = toolchain.version.lines().next().unwrap_or("rustc").to_owned();
        format!("{version} ({})", toolchain.rustc.display())
    };
    let no_linker = matches!(toolchain, Err(Error::NoLinker));
    if no_linker {
        found.push(("linker", toolchain.map(|_| String::new()).map_err(said)));
        return found;
    }
    found.push(("rustc", toolchain.as_ref().map(first).map_err(ToString::to_string)));
    let writable = usable(cache);
    let goes_on = toolchain.is_ok() && writable.is_ok();
    found.push(("cache", writable.map(|()| cache.display().to_string()).map_err(said)));
    let (true, Ok(toolchain)) = (goes_on, toolchain) else { return found };
    let kit = Kit::prepare(cache, progress);
    match kit {
        Ok(kit) => {
            let links = kit.with_layers(layers).links().map(|()| toolchain.linker.display().to_string());
            found.push(("linker", links.map_err(said)));
            found.push(("kit", Ok("compiled for this toolchain".to_owned())));
        }
        Err(error) => found.push(("kit", Err(said(error)))),
    }
    found
}

/// Whether a cache can be written, has room, and runs programs.
fn usable(cache: &Path) -> Result<(), Error> {
    machine::demand_a_plain_name(cache)?;
    machine::private_folder(cache)?;
    machine::demand_that_runs(cache)?;
    tempfile::tempfile_in(cache).at("cannot write in", cache)?;
    match machine::has_room(cache) {
        true => Ok(()),
        false => Err(machine::full(cache)),
    }
}
