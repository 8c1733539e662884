//! What libFuzzer runs: the target that `GRIDKEEP_FUZZ_TARGET` names. Built and started by `scripts/fuzz.sh`.
#![no_main]

use std::{env, panic, process, sync::OnceLock};

use gridkeep_fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(
    init: {
        // The readers of other hands may panic where `tabular` catches it; libFuzzer's own hook would take that for a crash.
        drop(panic::take_hook());
    },
    |data: &[u8]| TARGET.get_or_init(chosen)(data)
);

fn chosen() -> Target {
    let name = env::var("GRIDKEEP_FUZZ_TARGET").unwrap_or_default();
    let Some((_, target)) = TARGETS.iter().find(|(known, _)| *known == name) else {
        let names = TARGETS.map(|(name, _)| name).join(", ");
        eprintln!("GRIDKEEP_FUZZ_TARGET must be one of {names}");
        process::exit(64);
    };
    *target
}
