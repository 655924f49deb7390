//! A guest's program, and how it is started.

use crate::error::HostError;
use confine::{Confinement, Layers, Limit, Resource};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What a guest may allocate, in bytes: many times what a thousand sound nodes take, so that only a flood meets it.
pub(crate) const MEMORY_MAX: u64 = 512 << 20;

const LIMITS: &[Limit] = &[
    (Resource::Core, 0),
    (Resource::FileSize, 0),
    (Resource::Descriptors, 32),
    // Whatever the user's own limit: a recursion overflows at the same depth everywhere.
    (Resource::Stack, 8 << 20),
    (Resource::Data, MEMORY_MAX),
    // More, for not all that is reserved is used.
    (Resource::Addresses, 1 << 30),
];

/// A program that runs student code, and how it is confined.
#[derive(Debug, Clone)]
pub struct Guest {
    binary: PathBuf,
    confinement: Confinement,
    layers: Layers,
}
impl Guest {
    /// For this program. Nothing is started yet.
    ///
    /// # Errors
    /// Where there is no such program, or the kernel refuses what it claims to support.
    pub fn new(binary: &Path, layers: Layers) -> Result<Guest, HostError> {
        Guest::given(binary, None, layers)
    }
    /// The same program, running one of the variants that it holds.
    ///
    /// # Errors
    /// As [`Guest::new`].
    pub fn variant(&self, number: u32) -> Result<Guest, HostError> {
        Guest::given(&self.binary, Some(number), self.layers)
    }
    fn given(binary: &Path, argument: Option<u32>, layers: Layers) -> Result<Guest, HostError> {
        let failed = |source| HostError::Spawn { path: binary.display().to_string(), source };
        let confinement = Confinement::node_given(binary, argument, LIMITS, layers).map_err(failed)?;
        Ok(Guest { binary: binary.to_owned(), confinement, layers })
    }
    /// The program.
    pub fn binary(&self) -> &Path {
        &self.binary
    }
    /// Starts it, with pipes to its standard input and output, and one from its standard error where somebody listens to
    /// what it prints. It dies with the thread that calls this.
    ///
    /// # Errors
    /// Where a layer cannot be put on, or the program not be run: then nothing of it has run.
    pub fn start(&self, aloud: bool) -> io::Result<Child> {
        let mut command = Command::new(&self.binary);
        command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(if aloud {
            Stdio::piped()
        } else {
            Stdio::null()
        });
        self.confinement.apply(&mut command);
        command.spawn()
    }
}
