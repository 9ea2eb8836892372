//! Why a file cannot be loaded.

use std::fmt;

/// Why a file cannot be loaded. None of its documents was loaded.
#[derive(Debug)]
pub enum ImportError {
    /// It is not UTF-8 text.
    Encoding(&'static str),
    /// It is not JSON.
    Json(serde_json::Error),
    /// It is JSON, but not of a supported shape.
    Shape(&'static str),
    /// These of its documents are invalid.
    Documents(Vec<InvalidDocument>),
}

/// An invalid document.
#[derive(Debug)]
pub struct InvalidDocument {
    /// Its place in the file, and its name.
    pub document: String,
    /// All its problems.
    pub problems: Vec<String>,
}

impl ImportError {
    /// Returns all problems, one line for each invalid document.
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
