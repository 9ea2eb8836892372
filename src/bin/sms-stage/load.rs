//! `sms-stage load`.

use std::path::PathBuf;

use authenticator_sms_stage::store::operate::Existing;

use crate::{
    Failure, Output, files,
    place::{Absent, Place},
};

/// Puts the files' documents into the table.
pub async fn load(place: &Place, files: &[PathBuf], existing: Existing) -> Result<(), Failure> {
    let documents = files::read_all(files)?;
    let table = place.open(Absent::Make).await?;
    files::put_in(&table, files, &documents, existing, Output::Main).await
}
