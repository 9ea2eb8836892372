//! `sms-stage token revoke`: revokes a token.

use std::io::Read;

use authenticator_sms_stage::{
    access::token::{TokenHash, TokenKey},
    store::{Table, tokens::Revocation},
};
use clap::Args;

use crate::{
    advice,
    audit::{Audit, AuditArgs, Change},
    output::{Failure, stderr, stdout},
    table_args::{Access, IfMissing, TableArgs},
};

/// Minimum number of digits to select a token by, so that a typing error does not select another.
const HASH_DIGITS_MIN: usize = 8;

const DOING: &str = "cannot revoke the token";

/// Revoke a token.
///
/// Its hash stays in the table, so that loading a file again does not restore the token. Revoking a
/// token that is already revoked succeeds.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  sms-stage token revoke 3b1f0c9a7d42 --table my-table
  sms-stage token revoke - --table my-table < leaked-key.txt")]
pub struct RevokeArgs {
    /// The first 8 or more digits of the token's hash, as `token list` shows them; or `-`, with the
    /// token's key on standard input, which keeps it out of the shell's history.
    #[arg(value_name = "HASH-PREFIX|-")]
    token: String,
    #[command(flatten)]
    audit: AuditArgs,
    #[command(flatten)]
    table: TableArgs,
}

/// Revokes the token.
pub async fn run(args: RevokeArgs) -> Result<(), Failure> {
    let which = args.token.to_ascii_lowercase();
    let key_hash = match which.as_str() {
        "-" => Some(read_key()?),
        digits if is_prefix(digits) => None,
        // The argument is not shown: it may be a key.
        _ => {
            return Err(Failure::new(
                DOING,
                "give the first 8 or more hex digits of its hash, as `sms-stage token list` shows \
                 them, or - with its key on standard input",
            ));
        }
    };
    let table = args.table.open(IfMissing::Fail, Access::Write).await?;
    let mut audit = args.audit.open(args.table.place())?;
    let hash = match key_hash {
        Some(hash) => hash,
        None => find(&table, &which).await?,
    };
    revoke(&table, &hash, &mut audit).await
}

async fn revoke(table: &Table, hash: &TokenHash, audit: &mut Audit) -> Result<(), Failure> {
    let session = table.session();
    let revoked = session.revoke_token(hash).await;
    let is_done = matches!(revoked, Ok(Revocation::Done));
    let change = Change::new("token revoke", &session, is_done);
    if is_done || !change.certain {
        audit.write(&Change { token: Some(hash.shown().to_owned()), ..change });
    }
    match revoked.map_err(|error| advice::failure(DOING, &error))? {
        Revocation::Done => report(hash),
        Revocation::Missing => Err(Failure::new(DOING, "there is no token with this key")),
    }
}

fn report(hash: &TokenHash) -> Result<(), Failure> {
    stdout(&format!("revoked token {}", hash.shown()))?;
    stderr(
        "a function that has seen it recently may accept it for up to TOKEN_MEMORY_SECONDS (60 by \
         default) more",
    );
    Ok(())
}

fn read_key() -> Result<TokenHash, Failure> {
    let mut key = String::new();
    let read = std::io::stdin().read_to_string(&mut key);
    read.map_err(|error| Failure::new("cannot read the key from standard input", error))?;
    match key.trim() {
        "" => Err(Failure::new(DOING, "there is no key on standard input")),
        key => Ok(TokenKey::new(key.to_owned()).hash()),
    }
}

/// Finds the token whose hash begins with these digits. Tokens that were revoked already are looked
/// at only if there is no other.
async fn find(table: &Table, digits: &str) -> Result<TokenHash, Failure> {
    let found = table.session().find_tokens(digits).await;
    let found = found.map_err(|error| advice::failure(DOING, &error))?;
    let (revoked, good): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, revoked)| *revoked);
    let candidates = if good.is_empty() { revoked } else { good };
    match <[_; 1]>::try_from(candidates) {
        Ok([(hash, _)]) => Ok(hash),
        // The digits are not shown: they may be a key's.
        Err(none) if none.is_empty() => Err(Failure::new(
            DOING,
            "no token's hash begins with these digits; if they are a key, use - and give it on \
             standard input",
        )),
        Err(several) => {
            let count = several.len();
            let problem =
                format!("{count} tokens' hashes begin with these digits; give more digits");
            Err(Failure::new(DOING, problem))
        }
    }
}

fn is_prefix(which: &str) -> bool {
    let is_hex = which.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex && (HASH_DIGITS_MIN..=64).contains(&which.len())
}
