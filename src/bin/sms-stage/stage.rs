//! `sms-stage get` and `sms-stage delete`: one stage, looked at or taken out.

use std::io::{BufRead, IsTerminal};

use authenticator_sms_stage::{
    response::Document,
    stage::{Secret, Stage},
    store::{Secrets, documents::MASK, item::Stored},
};
use uuid::Uuid;

use crate::{
    Failure, Output,
    place::{Absent, Place},
    remedy,
};

/// Prints a stage as the API answers with it.
pub async fn get(place: &Place, stage_uuid: Uuid, shows_secrets: bool) -> Result<(), Failure> {
    let table = place.open(Absent::Refuse).await?;
    let doing = || format!("cannot get stage {stage_uuid}");
    let stored = table.stage(stage_uuid).await;
    let stored = stored.map_err(|error| Failure::new(doing(), remedy::explained(&error)))?;
    let mut stored = stored.ok_or_else(|| missing(doing()))?;
    if !shows_secrets {
        mask(&mut stored.stage);
    }
    let document = Document { stage: &stored.stage, secrets: Secrets::Echo };
    let json = serde_json::to_string_pretty(&document);
    Output::Main.say(&json.map_err(|error| Failure::new(doing(), error))?)?;
    Output::Aside.say(&format!("revision {}, ETag {}", stored.revision, stored.entity_tag()))
}

/// Takes a stage out, and frees its name.
pub async fn delete(place: &Place, stage_uuid: Uuid, is_sure: bool) -> Result<(), Failure> {
    let doing = || format!("cannot delete stage {stage_uuid}");
    if !is_sure && !std::io::stdin().is_terminal() {
        return Err(Failure::new(doing(), "there is no terminal to ask on; add --yes to mean it"));
    }
    let table = place.open(Absent::Refuse).await?;
    let failed = |error| Failure::new(doing(), remedy::explained(&error));
    if !is_sure {
        let stored = table.stage(stage_uuid).await.map_err(failed)?;
        let stored = stored.ok_or_else(|| missing(doing()))?;
        if !is_confirmed(&stored)? {
            return Err(Failure::new(doing(), "not confirmed, nothing was changed"));
        }
    }
    let deleted = table.delete_stage(stage_uuid).await.map_err(failed)?;
    let deleted = deleted.ok_or_else(|| missing(doing()))?;
    let Stored { stage, revision, .. } = deleted;
    Output::Main.say(&format!(
        "deleted stage {stage_uuid} ({:?}, revision {revision}); its name is free",
        stage.name
    ))
}

fn missing(doing: String) -> Failure {
    Failure::new(doing, "there is no such stage in this table")
}

/// A credential that is there is masked. That there is none is no secret.
fn mask(stage: &mut Stage) {
    for secret in [&mut stage.auth, &mut stage.auth_password] {
        if !secret.reveal().is_empty() {
            *secret = Secret::new(MASK.to_owned());
        }
    }
}

fn is_confirmed(stored: &Stored) -> Result<bool, Failure> {
    let Stored { stage, revision, .. } = stored;
    Output::Aside.say(&format!(
        "This deletes stage {} ({:?}, revision {revision}). Type yes to go on:",
        stage.stage_uuid, stage.name
    ))?;
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| Failure::new("cannot read the answer", error))?;
    Ok(matches!(answer.trim(), "yes" | "y"))
}
