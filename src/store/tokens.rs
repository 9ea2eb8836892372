//! Creates, lists and revokes tokens, for operators.

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue},
};

use super::{
    admin::{OnConflict, Row, RowPut, UnreadableItem},
    error::StoreError,
    item::{self, EXPIRES, REVOKED, number},
    key::{ID, Key, Kind},
    schema::Unreadable,
    session::Session,
    time,
};
use crate::access::token::{Token, TokenHash};

/// All tokens of the table.
#[derive(Clone, Debug, Default)]
pub struct TokenList {
    /// The tokens that can be read, in the order of their hashes.
    pub tokens: Vec<(TokenHash, Token)>,
    /// Items that cannot be read.
    pub unreadable: Vec<UnreadableItem>,
    /// Number of revoked tokens.
    pub revoked: usize,
}

/// The outcome of revoking a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Revocation {
    /// The token is revoked: by this call, by an attempt whose answer was lost, or earlier.
    Done,
    /// There is no such token.
    Missing,
}

impl Session<'_> {
    /// Reads every token; items that cannot be read are listed separately.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn tokens(&self) -> Result<TokenList, StoreError> {
        let mut list = TokenList::default();
        let each = |id: String, item| {
            let hash = TokenHash::parse(&id).ok_or(Unreadable::Attribute(ID));
            match hash.and_then(|hash| Ok((hash, item::read_token(item)?))) {
                Ok((hash, Some(token))) => list.tokens.push((hash, token)),
                Ok((_, None)) => list.revoked += 1,
                Err(why) => {
                    list.unreadable
                        .push(UnreadableItem { key: Key { kind: Kind::Token, id }, why });
                }
            }
        };
        self.read_kind(Kind::Token, "", each).await?;
        Ok(list)
    }

    /// Finds the tokens whose hashes begin with these digits, including those that cannot be read,
    /// and whether each was revoked.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn find_tokens(&self, digits: &str) -> Result<Vec<(TokenHash, bool)>, StoreError> {
        let mut found = Vec::new();
        let each = |id: String, item: item::Item| {
            let hash = TokenHash::parse(&id);
            found.extend(hash.map(|hash| (hash, item.contains_key(REVOKED))));
        };
        self.read_kind(Kind::Token, digits, each).await?;
        Ok(found)
    }

    /// Puts a token under the hash of its key.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn put_token(
        &self,
        hash: &TokenHash,
        token: &Token,
        on_conflict: OnConflict,
    ) -> Result<RowPut, StoreError> {
        self.put_row(Row::Token(hash, token), on_conflict).await
    }

    /// Revokes a token. Its item is kept, without permissions or an expiry, so that loading a file
    /// again does not restore the token. A warm function may accept the token for as long as it
    /// remembers tokens.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn revoke_token(&self, hash: &TokenHash) -> Result<Revocation, StoreError> {
        self.count_call();
        let update = self.table.client.update_item().table_name(&self.table.name);
        let revoked = update
            .set_key(Some(Key::token(hash).attributes()))
            .update_expression(
                "SET #revoked = if_not_exists(#revoked, :now) REMOVE #permissions, #expires",
            )
            .condition_expression("attribute_exists(#id)")
            .expression_attribute_names("#id", ID)
            .expression_attribute_names("#revoked", REVOKED)
            .expression_attribute_names("#permissions", "permissions")
            .expression_attribute_names("#expires", EXPIRES)
            .expression_attribute_values(":now", number(time::now()))
            .send()
            .await;
        match revoked {
            Ok(_) => Ok(Revocation::Done),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => {
                    Ok(Revocation::Missing)
                }
                _ => Err(StoreError::from_sdk("UpdateItem", &error)),
            },
        }
    }

    /// Deletes a token's item without a trace, for tokens whose key was not shown to any client;
    /// returns whether it existed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn delete_token(&self, hash: &TokenHash) -> Result<bool, StoreError> {
        self.count_call();
        let deletion = self.table.client.delete_item().table_name(&self.table.name);
        let answer = deletion
            .set_key(Some(Key::token(hash).attributes()))
            .return_values(ReturnValue::AllOld)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("DeleteItem", &error))?;
        Ok(answer.attributes.is_some())
    }

    /// Deletes a token's item if it expired by this time, as the table's time to live does; returns
    /// whether it did.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn delete_expired_token(&self, id: &str, now: u64) -> Result<bool, StoreError> {
        self.count_call();
        let key = Key { kind: Kind::Token, id: id.to_owned() };
        let deletion = self.table.client.delete_item().table_name(&self.table.name);
        let deleted = deletion
            .set_key(Some(key.attributes()))
            .condition_expression("#expires <= :now")
            .expression_attribute_names("#expires", EXPIRES)
            .expression_attribute_values(":now", AttributeValue::N(now.to_string()))
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|service| service.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::from_sdk("DeleteItem", &error)),
        }
    }
}
