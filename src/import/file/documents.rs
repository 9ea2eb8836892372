//! The documents of a file.

use uuid::Uuid;

use crate::{
    access::token::{Token, TokenHash},
    http::precondition::EntityTag,
    stage::{flow::Flow, stage::Stage},
};

/// Documents to be put into the table.
#[derive(Debug, Default)]
pub struct Documents {
    pub(in crate::import) stages: Vec<StageDocument>,
    pub(in crate::import) flows: Vec<Flow>,
    pub(in crate::import) mappings: Vec<Mapping>,
    pub(in crate::import) tokens: Vec<(TokenHash, Token)>,
    /// The file's page number and the number of pages, if more pages follow.
    pub(super) pages: Option<(u64, u64)>,
}

/// A stage, and the version that its document was made from, if the document has one.
#[derive(Debug)]
pub(in crate::import) struct StageDocument {
    pub(in crate::import) stage: Stage,
    pub(in crate::import) version: Option<EntityTag>,
}

/// A row that `mapping` may refer to.
#[derive(Debug)]
pub(in crate::import) struct Mapping {
    pub(in crate::import) pk: Uuid,
    pub(in crate::import) name: String,
}

impl Documents {
    /// Returns the number of documents.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stages.len() + self.flows.len() + self.mappings.len() + self.tokens.len()
    }

    /// Returns whether there are no documents.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the file's page number and the number of pages, if more pages follow.
    #[must_use]
    pub fn pages(&self) -> Option<(u64, u64)> {
        self.pages
    }

    /// Discards the stages' versions, so that the stages may overwrite any version.
    pub fn forget_versions(&mut self) {
        self.stages.iter_mut().for_each(|document| document.version = None);
    }
}
