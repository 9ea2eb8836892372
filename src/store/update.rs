//! Changes a stage: in place if nothing must be read; else compare and swap, until it lands.

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
    /// Changes the stage as the patch says, if the preconditions allow it: all of it or nothing, and
    /// over no other writer's change. An empty patch changes nothing and is answered with the stage.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked, or the item cannot be read. After a
    /// retryable one the change may still have happened, whole, if the answer was what got lost.
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
        // In a box, so that it takes no place in every request's future.
        let swap = Box::pin(self.compare_and_swap(stage, patch, preconditions, seen));
        self.certain(swap.await?)
    }

    /// Says that nothing was changed only where that is certain: an attempt whose answer was lost may
    /// land yet, or has landed and was overwritten or deleted since.
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
