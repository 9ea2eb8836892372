//! What each release of authentik accepts and answers, tested without a table.

mod documents;
mod releases;
