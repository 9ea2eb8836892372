//! Why a file cannot be loaded.

use std::fmt;

/// Why a file cannot be loaded. Nothing of it was.
#[derive(Debug)]
pub enum ImportError {
    /// It is no text in UTF-8.
    Encoding(&'static str),
    /// It is not JSON.
    Json(serde_json::Error),
    /// It is JSON, and none of the shapes that are taken.
    Shape(&'static str),
    /// These of its documents are not as they must be.
    Documents(Vec<InvalidDocument>),
}

/// A document with something wrong in it.
#[derive(Debug)]
pub struct InvalidDocument {
    /// Where it is, and which.
    pub document: String,
    /// Everything that is wrong with it.
    pub problems: Vec<String>,
}

impl ImportError {
    /// All that is wrong, a line for each document that has something wrong in it.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Encoding(problem) | Self::Shape(problem) => vec![(*problem).to_owned()],
            Self::Json(error) => vec![format!("not valid JSON: {error}")],
            Self::Documents(invalid) => invalid
                .iter()
                .map(|one| format!("{}: {}", one.document, one.problems.join(" ")))
                .collect(),
        }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

impl std::error::Error for ImportError {}
