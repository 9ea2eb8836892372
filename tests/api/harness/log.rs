//! The log of all tests, which is searched for secrets as it is written.

use std::sync::{Mutex, Once, PoisonError};

use serde_json::Value;

use super::library;

/// What no line of the log may contain: the fixture's tokens and credentials, and those that the
/// tests set.
pub const SECRETS: [&str; 9] = [
    "good-token",
    "manager-token",
    "viewer-token",
    "owner-token",
    "expired-token",
    "s3cr3t-token",
    "hunter2",
    "n3w-auth-secret",
    "n3w-password",
];

static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps every logged line, and panics in the test that logs a secret.
#[derive(Clone, Copy)]
pub struct LeakCheck;

impl LeakCheck {
    /// Starts the log, once for all tests.
    pub fn start() {
        static STARTED: Once = Once::new();
        STARTED.call_once(|| library::start_log(|| Self));
    }
}

impl std::io::Write for LeakCheck {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let line = String::from_utf8_lossy(line).into_owned();
        for secret in SECRETS {
            assert!(!line.contains(secret), "{secret} was logged: {line}");
        }
        LOG.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The lines logged so far that contain this text.
pub fn logged(text: &str) -> Vec<Value> {
    let lines = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let found = lines.iter().filter(|line| line.contains(text));
    found.map(|line| serde_json::from_str(line).unwrap()).collect()
}
