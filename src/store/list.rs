//! Lists: a strongly consistent query for all stages, or reads of one caller's stages.
//!
//! A stage is one item whose key never changes, so a query returns it exactly once, even during
//! other writes. Only a small key of each stage is kept, and the documents of one page. If all
//! stages come in one answer (1 MB), nothing else is read.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    error::StoreError,
    item::{self, Item},
    key::{ID, Key, Kind},
    session::Session,
};
use crate::{
    access::permission::MayList,
    stage::{flow::Flow, size, stage::Stage, version::Stored},
};

/// Number of documents read at once: limits memory, and shows early that a page is too large.
const DOCUMENTS_AT_ONCE: usize = 25;

/// The stages of a list, in order, without their documents.
pub struct Selection<K> {
    keys: Vec<(K, Uuid)>,
    /// The documents, if all came in one answer.
    documents: Option<HashMap<Uuid, Stored>>,
}

impl<K> Selection<K> {
    /// Number of stages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are no stages.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// The documents of a page are too large for an answer.
#[derive(Debug)]
pub struct DocumentsTooLarge;

impl Session<'_> {
    /// Selects the stages that may be listed and for which `key` returns a sort key, in the order
    /// of these keys.
    ///
    /// A stage that cannot be read is logged and left out, so that the others can still be listed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn select<K: Ord>(
        &self,
        may: &MayList,
        mut key: impl FnMut(&Stage) -> Option<K>,
    ) -> Result<Selection<K>, StoreError> {
        let mut selection = Selection { keys: Vec::new(), documents: Some(HashMap::new()) };
        if let Some(stages) = may.stages() {
            let keys: Vec<Uuid> = stages.iter().copied().collect();
            for keys in keys.chunks(DOCUMENTS_AT_ONCE) {
                let items = self.get_all(keys.iter().copied().map(Key::stage), None).await?;
                let is_all = keys.len() == stages.len();
                selection.add(items, &mut key, is_all);
            }
        } else {
            let mut after = None;
            loop {
                let answer = self.query(Kind::Stage, "", after.take()).await?;
                let is_all = answer.last_evaluated_key.is_none() && selection.documents.is_some();
                selection.add(answer.items.unwrap_or_default(), &mut key, is_all);
                after = answer.last_evaluated_key;
                if after.is_none() {
                    break;
                }
            }
        }
        selection.keys.sort_unstable();
        Ok(selection)
    }

    /// Reads the documents of a part of a selection, in its order. A stage that has been deleted
    /// since is left out.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn documents<K>(
        &self,
        selection: Selection<K>,
        range: std::ops::Range<usize>,
        bytes_max: usize,
    ) -> Result<Result<Vec<Stored>, DocumentsTooLarge>, StoreError> {
        let Selection { keys, documents } = selection;
        let page: Vec<Uuid> =
            keys.get(range).unwrap_or_default().iter().map(|(_, stage)| *stage).collect();
        let mut known = documents.unwrap_or_default();
        let mut found = Vec::with_capacity(page.len());
        let mut bytes = 0;
        for stages in page.chunks(DOCUMENTS_AT_ONCE) {
            if stages.iter().any(|stage| !known.contains_key(stage)) {
                let items = self.get_all(stages.iter().copied().map(Key::stage), None).await?;
                known.extend(readable(items).map(|stored| (stored.stage.uuid, stored)));
            }
            for stored in stages.iter().filter_map(|stage| known.remove(stage)) {
                bytes += size::document_bytes(&stored.stage);
                found.push(stored);
            }
            if bytes > bytes_max {
                return Ok(Err(DocumentsTooLarge));
            }
        }
        Ok(Ok(found))
    }

    /// Reads every flow that has a row, in the order of the keys. There are a few dozen.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn flows(&self) -> Result<Vec<Flow>, StoreError> {
        let mut flows = Vec::new();
        let each = |id: String, item| match item::read_flow_row(item) {
            Ok(flow) => flows.push(flow),
            Err(error) => tracing::error!(flow = id, cause = %error, "left out of a list"),
        };
        self.read_kind(Kind::Flow, "", each).await?;
        Ok(flows)
    }
}

impl<K> Selection<K> {
    /// Adds the stages of one answer. Their documents are kept if that answer contains all stages.
    fn add(&mut self, items: Vec<Item>, key: &mut impl FnMut(&Stage) -> Option<K>, is_all: bool) {
        if !is_all {
            self.documents = None;
        }
        for stored in readable(items) {
            let Some(sort_key) = key(&stored.stage) else {
                continue;
            };
            self.keys.push((sort_key, stored.stage.uuid));
            if let Some(documents) = &mut self.documents {
                documents.insert(stored.stage.uuid, stored);
            }
        }
    }
}

fn readable(items: Vec<Item>) -> impl Iterator<Item = Stored> {
    items.into_iter().filter_map(|item| {
        let id = item.get(ID).and_then(|id| id.as_s().ok()).cloned();
        item::read_stage(item)
            .inspect_err(|error| tracing::error!(stage = id, cause = %error, "left out of a list"))
            .ok()
    })
}
