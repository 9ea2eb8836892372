//! What each release of authentik asks for and answers with, without a table.

mod documents;
mod releases;
