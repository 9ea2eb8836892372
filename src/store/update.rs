//! Changes a stage: in place if nothing must be read, otherwise by compare and swap, with retries.

mod compare_and_swap;
mod in_place;
mod outcome;

use self::in_place::InPlace;
use super::{error::StoreError, session::Session};
use crate::{
    access::permission::MayChange, http::precondition::Preconditions, stage::patch::Patch,
};

pub use self::outcome::Updated;

impl Session<'_> {
    /// Applies the patch, if the preconditions allow it: in full or not at all, and without losing
    /// another writer's change. An empty patch changes nothing and returns the stage.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails, or the item cannot be read. After a
    /// retryable error, the change may have been made, in full, if only the answer was lost.
    pub async fn update(
        &self,
        may: &MayChange,
        patch: &Patch,
        preconditions: &Preconditions,
    ) -> Result<Updated, StoreError> {
        let stage = may.stage();
        let seen = if in_place::is_possible(patch, preconditions) {
            match self.update_in_place(stage, patch, preconditions).await? {
                InPlace::Ended(updated) => return self.certain(updated),
                InPlace::NeedsRead(seen) => Some(seen),
            }
        } else {
            None
        };
        // Boxed, so that it does not enlarge every request's future.
        let swap = Box::pin(self.compare_and_swap(stage, patch, preconditions, seen));
        self.certain(swap.await?)
    }

    /// Reports that nothing was changed only if that is certain: an attempt whose answer was lost
    /// may still be applied, or was applied and has been overwritten or deleted since.
    fn certain(&self, updated: Updated) -> Result<Updated, StoreError> {
        match updated {
            Updated::Done(_) => Ok(updated),
            Updated::Missing
            | Updated::PreconditionFailed
            | Updated::Invalid(_)
            | Updated::Conflict => self.unless_lost(updated),
        }
    }
}
