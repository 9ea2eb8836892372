//! `sms-stage token list`: lists the tokens.

use authenticator_sms_stage::{
    access::token::{HASH_DIGITS_SHOWN, Token, TokenHash},
    import::quote::beginning,
    store::{time, tokens::TokenList},
};
use clap::Args;
use serde_json::json;

use super::text;
use crate::{
    advice,
    output::{Failure, printable, printable_json, stderr, stdout},
    table_args::{Access, IfMissing, TableArgs},
    text_table,
};

/// A token that expires within this time is listed with its remaining days: 30 days, in seconds.
const SOON: u64 = 30 * DAY;
const DAY: u64 = 24 * 60 * 60;

/// List the tokens by the first digits of their hashes. Keys are not stored, so none is shown.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  sms-stage token list --table my-table
  sms-stage token list --json --table my-table | jq '.[] | select(.user == \"terraform\")'")]
pub struct ListArgs {
    /// Print JSON, with every permission in full.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    table: TableArgs,
}

/// Lists the tokens.
pub async fn run(args: ListArgs) -> Result<(), Failure> {
    let table = args.table.open(IfMissing::Fail, Access::Read).await?;
    let list = table.session().tokens().await;
    let list = list.map_err(|error| advice::failure("cannot list the tokens", &error))?;
    stdout(&if args.json { as_json(&list)? } else { as_table(&list) })?;
    for item in &list.unreadable {
        let id: String = item.key.id.chars().take(HASH_DIGITS_SHOWN).collect();
        stderr(&format!("left out: token {}: {}", printable(&id), item.why));
    }
    if list.revoked > 0 {
        stderr(&format!(
            "{} tokens were revoked; the table keeps their hashes, so that no file restores them",
            list.revoked
        ));
    }
    Ok(())
}

fn as_table(list: &TokenList) -> String {
    if list.tokens.is_empty() {
        return "no tokens".to_owned();
    }
    let headings =
        ["HASH", "USER", "CREATED", "EXPIRES", "STATE", "PERMISSIONS"].map(str::to_owned);
    let mut rows = vec![headings];
    rows.extend(list.tokens.iter().map(|(hash, token)| row(hash, token)));
    text_table::lines(&rows)
}

fn row(hash: &TokenHash, token: &Token) -> [String; 6] {
    [
        hash.shown().to_owned(),
        beginning(token.caller.user.as_deref().unwrap_or_default()).into_owned(),
        token.created.map_or_else(|| "unknown".to_owned(), text::day),
        token.expires.map_or_else(|| "never".to_owned(), text::day),
        state(token),
        text::summary(token.caller.permissions()),
    ]
}

fn state(token: &Token) -> String {
    let left = token.expires.map(|end| end.saturating_sub(time::now()));
    match left {
        _ if token.has_expired() => "expired".to_owned(),
        Some(left) if left < DAY => "expires today".to_owned(),
        Some(left) if left < SOON => format!("expires in {} days", left / DAY),
        _ => "valid".to_owned(),
    }
}

fn as_json(list: &TokenList) -> Result<String, Failure> {
    let tokens = list.tokens.iter().map(|(hash, token)| {
        json!({
            "hash": hash.as_str(),
            "user": token.caller.user,
            "created": token.created.map(time::format),
            "expires": token.expires.map(time::format),
            "is_expired": token.has_expired(),
            "permissions": token.caller.permissions(),
        })
    });
    let json = serde_json::to_string_pretty(&tokens.collect::<Vec<_>>());
    json.map(|json| printable_json(&json)).map_err(|error| Failure::new("cannot list", error))
}
