//! Notes each attempt of a write whose fate is unknown: it was sent, and no answer tells whether it
//! landed. While there is one, a request cannot say that nothing was changed.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents, interceptors::FinalizerInterceptorContextRef,
    },
    error::BoxError,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;

/// The operations that only read.
const READS: [&str; 5] = ["GetItem", "BatchGetItem", "Query", "Scan", "DescribeTable"];

/// Counts the attempts of writes whose fate is unknown, of one client.
///
/// The function answers one request at a time, so that a count which rises during a request is that
/// request's own. A server that answers several may blame one for another's: it is then told that its
/// fate is unknown although it is not, which is the safe side.
#[derive(Clone, Debug, Default)]
pub(super) struct AttemptWatch {
    lost: Arc<AtomicU64>,
}

impl AttemptWatch {
    /// Notes that the fate of an attempt is unknown.
    pub(super) fn note_lost(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were so far.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for AttemptWatch {
    fn name(&self) -> &'static str {
        "AttemptWatch"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let failed = matches!(context.output_or_error(), Some(Err(_)) | None);
        if !failed {
            return Ok(());
        }
        // Not from the request, which is gone once it was sent.
        let operation = config.load::<Metadata>().map(Metadata::name).unwrap_or_default();
        // A service that refuses says so with a status of 4xx.
        let is_refused =
            context.response().is_some_and(|response| response.status().is_client_error());
        if !is_refused && !READS.contains(&operation) {
            self.note_lost();
        }
        Ok(())
    }
}
