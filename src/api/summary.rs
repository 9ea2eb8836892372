//! A summary, for the log, of how a request ended.

use super::{answer::Answer, error::Error};
use crate::{
    store::{Session, error::Retry},
    telemetry::audit::{Facts, Severity},
};

/// Records how the request ended.
pub(super) fn summarize(facts: &mut Facts, outcome: &Result<Answer, Error>, session: &Session<'_>) {
    facts.store_calls = session.calls();
    facts.is_certain = session.is_certain();
    match outcome {
        Ok(answer) => {
            // An attempt that got no answer was recognised, or changed nothing.
            facts.is_certain = true;
            let version = answer.version();
            facts.revision = version.map(|version| version.revision);
            facts.revision_before = version.map(|version| session.revision_before(version));
            if let Answer::Created { stored, .. } = answer {
                facts.stage = Some(stored.stage.uuid);
            }
        }
        Err(Error::Store(error)) => {
            // After a failure, the change may or may not have been made.
            facts.is_certain &= facts.write_id.is_none();
            facts.cause = Some(error.to_string());
            facts.severity = match error.retry {
                Retry::Retryable => Severity::Warning,
                Retry::Permanent => Severity::Error,
            };
        }
        Err(_) => {}
    }
}
