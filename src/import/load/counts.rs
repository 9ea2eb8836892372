//! Counts of the documents that were loaded, and of those that were not.

use std::fmt;

/// The number of documents of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Stages.
    pub stages: usize,
    /// Flows.
    pub flows: usize,
    /// Mappings.
    pub mappings: usize,
    /// Tokens.
    pub tokens: usize,
}

impl Counts {
    fn kinds(&self) -> [(usize, &'static str); 4] {
        [
            (self.stages, "stages"),
            (self.flows, "flows"),
            (self.mappings, "mappings"),
            (self.tokens, "tokens"),
        ]
    }

    pub(super) fn count(&mut self, kind: &str) {
        match kind {
            "stage" => self.stages += 1,
            "flow" => self.flows += 1,
            "mapping" => self.mappings += 1,
            _ => self.tokens += 1,
        }
    }

    /// The kinds with a count above zero.
    fn nonzero(&self) -> Option<String> {
        let some = self.kinds().into_iter().filter(|(count, _)| *count > 0);
        let some: Vec<_> = some.map(|(count, kind)| format!("{count} {kind}")).collect();
        (!some.is_empty()).then(|| some.join(", "))
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kinds().map(|(count, kind)| format!("{count} {kind}")).join(", "))
    }
}

/// The outcomes of one file's documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Documents that were put into the table.
    pub put: Counts,
    /// The number of stages in `put` that replaced an older version.
    pub stages_replaced: usize,
    /// Documents whose key was already in the table, where the item was left unchanged.
    pub left: Counts,
    /// The number of tokens that had been revoked before, and stay revoked.
    pub revoked: usize,
}

impl Loaded {
    /// Returns the number of documents.
    #[must_use]
    pub fn total(&self) -> usize {
        let kinds = self.put.kinds().into_iter().chain(self.left.kinds());
        kinds.map(|(count, _)| count).sum::<usize>() + self.revoked
    }
}

impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.put)?;
        if self.stages_replaced > 0 {
            write!(f, " (stages replaced: {})", self.stages_replaced)?;
        }
        if let Some(left) = self.left.nonzero() {
            write!(f, " (already in the table and left unchanged: {left})")?;
        }
        if self.revoked > 0 {
            write!(f, " (tokens that were revoked before and stay revoked: {})", self.revoked)?;
        }
        Ok(())
    }
}
