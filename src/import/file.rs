//! Reads files of documents: answers of authentik's API, of any release, and this program's own
//! format.
//!
//! A file of answers is one object, a list of objects, or a page of a list
//! (`{"pagination": …, "results": […]}`). The objects are stages, and the flows and webhook
//! mappings that they refer to. A file of this program's format is an object with any of the lists
//! `stages`, `flows`, `mappings` and `tokens`.
//!
//! Fields are read by the parser of request bodies. Fields that the API derives (`component`,
//! `export_url`, …) are ignored.

mod documents;
mod error;
mod flow;
pub(super) mod problem_text;
mod reader;
mod rules;
mod secrets;
mod stage;
mod text;
mod token;

pub(super) use self::documents::StageDocument;
pub use self::{
    documents::Documents,
    error::{ImportError, InvalidDocument},
    secrets::{GivenSecrets, InvalidSecrets},
    stage::{ETAG, MASK},
    text::decode,
};

use self::reader::Reader;

impl Documents {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`ImportError`], with the place where the JSON is invalid, or all problems of all documents.
    pub fn parse(file: &[u8]) -> Result<Self, ImportError> {
        Self::parse_with(file, &mut GivenSecrets::default())
    }

    /// Reads a file, and fills in its stages' secrets from `secrets`.
    ///
    /// # Errors
    ///
    /// As for [`Documents::parse`].
    pub fn parse_with(file: &[u8], secrets: &mut GivenSecrets) -> Result<Self, ImportError> {
        let text = decode(file).map_err(ImportError::Encoding)?;
        let mut reader = Reader::new(secrets);
        reader.read_file(serde_json::from_str(text).map_err(ImportError::Json)?)?;
        if reader.invalid.is_empty() {
            Ok(reader.documents)
        } else {
            Err(ImportError::Documents(reader.invalid))
        }
    }
}
