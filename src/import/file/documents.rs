//! What a file holds.

use uuid::Uuid;

use crate::{
    access::token::{Token, TokenHash},
    http::precondition::EntityTag,
    stage::{flow::Flow, stage::Stage},
};

/// What is to be put into the table.
#[derive(Debug, Default)]
pub struct Documents {
    pub(in crate::import) stages: Vec<StageDocument>,
    pub(in crate::import) flows: Vec<Flow>,
    pub(in crate::import) mappings: Vec<Mapping>,
    pub(in crate::import) tokens: Vec<(TokenHash, Token)>,
    /// Which page of how many the file is, if there are more after it.
    pub(super) pages: Option<(u64, u64)>,
}

/// A stage, and the version that the document was made of, if it tells.
#[derive(Debug)]
pub(in crate::import) struct StageDocument {
    pub(in crate::import) stage: Stage,
    pub(in crate::import) version: Option<EntityTag>,
}

/// A row that `mapping` may point to.
#[derive(Debug)]
pub(in crate::import) struct Mapping {
    pub(in crate::import) pk: Uuid,
    pub(in crate::import) name: String,
}

impl Documents {
    /// How many documents there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stages.len() + self.flows.len() + self.mappings.len() + self.tokens.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Which page of how many the file is, if there are more after it.
    #[must_use]
    pub fn pages(&self) -> Option<(u64, u64)> {
        self.pages
    }

    /// Forgets which versions the stages were made of, so that they may be put over any other.
    pub fn forget_versions(&mut self) {
        self.stages.iter_mut().for_each(|document| document.version = None);
    }
}
