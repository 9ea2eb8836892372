//! Reads tokens of this program's own format.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::problem_text::Problems;
use crate::{
    access::{
        caller::Caller,
        permission,
        token::{Token, TokenHash, TokenKey},
    },
    import::quote::quoted,
    store::time,
};

/// Reads a token.
pub(super) fn read(mut fields: Map<String, Value>) -> Result<(TokenHash, Token), Vec<String>> {
    let mut problems = Problems::default();
    let user = problems.text(&mut fields, "", "user", false);
    let key = problems.text(&mut fields, "", "key", false);
    let permissions = permissions(&mut problems, fields.swap_remove("permissions"));
    let expires = match fields.swap_remove("expires") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => time::parse(&text).or_else(|| invalid_time(&mut problems)),
        Some(_) => invalid_time(&mut problems),
    };
    match (user, key) {
        (Some(user), Some(key)) if problems.0.is_empty() => {
            let caller = Caller::new(Some(user), permissions);
            let token = Token { caller, created: Some(time::now()), expires };
            Ok((TokenKey::new(key).hash(), token))
        }
        _ => Err(problems.0),
    }
}

fn permissions(problems: &mut Problems, held: Option<Value>) -> Vec<String> {
    let Some(Value::Array(held)) = held else {
        problems.0.push("permissions: expected a list of permissions.".to_owned());
        return Vec::new();
    };
    let mut permissions = Vec::new();
    for held in held {
        match held.as_str().map(permission) {
            Some(Ok(held)) => permissions.push(held),
            Some(Err(problem)) => problems.0.push(format!("permissions: {problem}")),
            None => problems.0.push("permissions: expected strings.".to_owned()),
        }
    }
    permissions
}

/// Reads a permission for all stages, or, as `<permission>:<stage_uuid>`, for one stage. It is a
/// short word or a codename. A codename of another model is accepted, and permits nothing here.
///
/// # Errors
///
/// A message that says what is expected.
pub fn permission(text: &str) -> Result<String, String> {
    let (word, stage) = match text.split_once(':') {
        Some((word, stage)) => (word, Some(stage)),
        None => (text, None),
    };
    let is_codename = word.split_once('.').is_some_and(|(app, name)| {
        let is_word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        is_word(app) && is_word(name)
    });
    let Some(codename) = permission::codename(word).or(is_codename.then_some(word)) else {
        let words: Vec<_> = permission::CODENAMES.iter().map(|(short, _)| *short).collect();
        return Err(format!(
            "{} is not a permission: expected one of {}, or its Django codename.",
            quoted(word),
            words.join(", ")
        ));
    };
    let Some(stage) = stage else {
        return Ok(codename.to_owned());
    };
    let stage = Uuid::try_parse(stage);
    let stage =
        stage.map_err(|_| format!("{} has no valid stage UUID after the colon.", quoted(text)))?;
    Ok(format!("{codename}:{stage}"))
}

fn invalid_time(problems: &mut Problems) -> Option<u64> {
    let problem = "expires: expected null or a time such as 2030-01-31T12:00:00Z.";
    problems.0.push(problem.to_owned());
    None
}
