//! Ctrl-C, with the exit code that shells know.

use std::thread;
use tokio::signal::unix::{SignalKind, signal};

/// What a shell calls a process that a signal ended: 128, and its number.
const INTERRUPTED: i32 = 130;
const TERMINATED: i32 = 143;

/// From now on Ctrl-C ends this process with [`INTERRUPTED`]. Guests die with it, and files are written whole or not at
/// all: it may end anywhere. Where there is no thread left to watch with, the signal ends it as it ends any other.
pub(crate) fn watch() {
    let _ = thread::Builder::new().name("interrupts".to_owned()).stack_size(256 << 10).spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            let Ok(mut interrupt) = signal(SignalKind::interrupt()) else { return };
            // The first process of a container gets no signal that it does not ask for.
            if std::process::id() == 1
                && let Ok(mut terminate) = signal(SignalKind::terminate())
            {
                tokio::select! {
                    _ = interrupt.recv() => leave(INTERRUPTED),
                    _ = terminate.recv() => leave(TERMINATED),
                }
            }
            interrupt.recv().await;
            leave(INTERRUPTED);
        });
    });
}

fn leave(code: i32) -> ! {
    crate::keys::give_back();
    std::process::exit(code)
}
