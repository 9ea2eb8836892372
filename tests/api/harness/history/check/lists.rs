//! The documents that each list shows of each stage.

use std::{collections::HashMap, sync::Arc};

use super::super::call::Call;

/// A list, and the documents that it shows of one stage.
pub type SeenByList<'h> = (&'h Call, &'h [&'h Arc<str>]);

/// The documents that a list shows, by stage.
type Documents<'h> = HashMap<&'h str, Vec<&'h Arc<str>>>;

/// All lists of a history.
pub struct Lists<'h> {
    lists: Vec<(&'h Call, Documents<'h>)>,
}

impl<'h> Lists<'h> {
    /// The lists among these calls.
    pub fn of(calls: &'h [Call]) -> Self {
        let lists = calls.iter().filter_map(|call| {
            let mut shown = Documents::new();
            for listed in call.listed()? {
                shown.entry(&*listed.stage).or_default().push(&listed.document);
            }
            Some((call, shown))
        });
        Self { lists: lists.collect() }
    }

    /// The documents that each list shows of a stage.
    pub fn of_stage<'l>(&'l self, stage: &str) -> Vec<SeenByList<'l>> {
        let lists = self.lists.iter();
        lists
            .map(|(call, shown)| (*call, shown.get(stage).map(Vec::as_slice).unwrap_or_default()))
            .collect()
    }
}
