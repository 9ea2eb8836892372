//! Counts the write attempts whose outcome is unknown: no answer shows whether they were applied. A
//! request with such an attempt cannot report that nothing was changed.

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

/// Counts one client's write attempts whose outcome is unknown.
///
/// The function answers one request at a time, so if the count rises during a request, that request
/// caused it. A server that answers several at once may attribute an attempt to the wrong request,
/// which then treats its own outcome as unknown although it is known. That errs on the safe side.
#[derive(Clone, Debug, Default)]
pub(super) struct AttemptWatch {
    lost: Arc<AtomicU64>,
}

impl AttemptWatch {
    /// Records an attempt whose outcome is unknown.
    pub(super) fn note_lost(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Number of such attempts so far.
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
        // Not taken from the request, which is gone once it was sent.
        let operation = config.load::<Metadata>().map(Metadata::name).unwrap_or_default();
        // The service refuses an attempt with a 4xx status.
        let is_refused =
            context.response().is_some_and(|response| response.status().is_client_error());
        if !is_refused && !READS.contains(&operation) {
            self.note_lost();
        }
        Ok(())
    }
}
