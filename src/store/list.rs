//! Lists: a strongly consistent query for all stages, or reads of one caller's stages.
//!
//! A stage is one item whose key never changes, so a query returns it exactly once, even during
//! other writes. Only a small key of each stage is kept, and the documents of one page. If all
//! stages come in one answer (1 MB), nothing else is read.

use std::{collections::HashMap, ops::Range};

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

/// The stages of one page.
pub struct Documents {
    /// The stages, in order.
    pub stages: Vec<Stored>,
    /// Number of stages that were passed over: selected, but deleted since, or changed so that they
    /// would not be selected any more.
    pub gone: usize,
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

    /// Reads the documents of one page: as many stages as the range has, beginning with its first.
    ///
    /// Other writers may have changed the stages since they were selected, so `show` decides again
    /// which ones are shown, and in which order. Later ones take the places of those that are gone.
    /// `show` may remove what the answer does not show; only the rest counts.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn documents<K: Ord>(
        &self,
        selection: Selection<K>,
        range: Range<usize>,
        bytes_max: usize,
        show: impl Fn(&mut Stage) -> Option<K>,
    ) -> Result<Result<Documents, DocumentsTooLarge>, StoreError> {
        let Selection { keys, mut documents } = selection;
        let mut rest = keys.iter().skip(range.start).map(|(_, stage)| *stage);
        let mut page = Vec::new();
        let (mut asked, mut bytes) = (0, 0);
        while page.len() < range.len() {
            let missing = range.len() - page.len();
            let stages: Vec<Uuid> = rest.by_ref().take(missing.min(DOCUMENTS_AT_ONCE)).collect();
            if stages.is_empty() {
                break;
            }
            let read = match &mut documents {
                Some(known) => stages.iter().filter_map(|stage| known.remove(stage)).collect(),
                None => self.read_stages(&stages).await?,
            };
            let shown =
                read.into_iter().filter_map(|mut stored| Some((show(&mut stored.stage)?, stored)));
            page.extend(shown.inspect(|(_, stored)| bytes += size::document_bytes(&stored.stage)));
            asked += stages.len();
            if bytes > bytes_max {
                return Ok(Err(DocumentsTooLarge));
            }
        }
        page.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let gone = asked - page.len();
        Ok(Ok(Documents { stages: page.into_iter().map(|(_, stored)| stored).collect(), gone }))
    }

    async fn read_stages(&self, stages: &[Uuid]) -> Result<Vec<Stored>, StoreError> {
        let items = self.get_all(stages.iter().copied().map(Key::stage), None).await?;
        Ok(readable(items).collect())
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
