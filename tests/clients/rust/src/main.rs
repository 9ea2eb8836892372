//! Tests a server through authentik's published Rust client, as installed.
//!
//! ```text
//! clients LINES FIXTURE RELEASE SETTING=BASE_URL...
//! ```
//!
//! RELEASE is the client's release. SETTING is the release that the server at `BASE_URL` was
//! started with, or `every_release` for none. Each server must have FIXTURE loaded. LINES has the keys
//! of each release's answers. The checks run once for each server, in their order in `checks.rs`,
//! and share one stage, so each depends on those before it. Prints a TAP line per check; exits with
//! 1 if any failed.

mod server;

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use serde_json::Value;

use self::server::{Lines, Server};

/// The checks of `checks.rs` for the client of one release.
macro_rules! client {
    ($module:ident, $client:ident, $provider:ty, $generic:expr) => {
        mod $module {
            use $client as client;

            /// The type of the filter by provider, and its value for `generic`.
            type Provider = $provider;
            const GENERIC: Provider = $generic;

            include!("checks.rs");
        }
    };
}

client!(checks_2024_12, authentik_2024_12, &'static str, "generic");
client!(checks_2025_12, authentik_2025_12, &'static str, "generic");
client!(checks_2026_8, authentik_2026_8, client::models::ProviderEnum, Provider::Generic);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [lines, fixture, release, served @ ..] = arguments.as_slice() else {
        panic!("usage: clients LINES FIXTURE RELEASE SETTING=BASE_URL...");
    };
    let read = |path| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let (lines, fixture) = (Lines(read(lines)), read(fixture));
    let checks = match &**release {
        "2024.12.5" => checks_2024_12::CHECKS,
        "2025.12.6" => checks_2025_12::CHECKS,
        "2026.8.5" => checks_2026_8::CHECKS,
        _ => panic!("no client of {release} is built in"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut failed = false;
    for served in served {
        let (setting, url) = served.split_once('=').unwrap();
        let mut server = Server::new(&lines, &fixture, release, setting, url);
        for (name, check) in checks {
            let sentence = format!("{setting}: {}", name.replace('_', " "));
            // A failed assertion has printed its message already.
            if catch_unwind(AssertUnwindSafe(|| runtime.block_on(check(&mut server)))).is_ok() {
                println!("ok - {sentence}");
            } else {
                failed = true;
                println!("not ok - {sentence}");
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
