//! Reads files of documents: what authentik's API answers, of any release, and this program's own
//! format.
//!
//! A file is one object, a list of objects, or a page of a list (`{"pagination": …, "results": […]}`):
//! stages, and the flows and webhook mappings that they refer to. Or it is an object with any of the
//! lists `stages`, `flows`, `mappings` and `tokens`.
//!
//! Fields are read by what reads a request's body. What the API derives (`component`, `export_url`,
//! …) is not read.

mod documents;
mod error;
mod flow;
mod reader;
mod rules;
mod secrets;
mod stage;
mod text;
mod token;
pub(super) mod words;

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
    /// Says where the file is not JSON, or everything that is wrong with any document of it.
    pub fn parse(file: &[u8]) -> Result<Self, ImportError> {
        Self::parse_with(file, &mut GivenSecrets::default())
    }

    /// Reads a file, and completes its stages with the secrets that are given beside it.
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
