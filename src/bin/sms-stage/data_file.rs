//! The embedded engine's data in a file: `--data FILE`.
//!
//! The engine turns any SQLite database that it opens into its own. So the file is checked first,
//! by reads that change nothing.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
};

use dynoxide::Database;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use uuid::Uuid;

use crate::{engine::TABLE, output::Failure};

/// What to do if the data file does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// Create it.
    Create,
    /// Fail.
    Fail,
}

/// Whether a command changes the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It only reads, so the file may be read-only.
    Read,
    /// It writes as well.
    Write,
}

/// Opens the data in this file.
pub fn open(file: &Path, if_missing: IfMissing, access: Access) -> Result<Database, Failure> {
    let shown = file.display();
    let cannot = |cause: String| Failure::new(format!("cannot use the data file {shown}"), cause);
    match fs::metadata(file) {
        Ok(there) if !there.is_file() => Err(cannot("it is not a regular file".to_owned())),
        Ok(_) => open_existing(file, access).map_err(cannot),
        Err(error) if error.kind() == ErrorKind::NotFound => match if_missing {
            IfMissing::Create => create(file).map_err(cannot),
            IfMissing::Fail => Err(cannot(
                "there is no such file; create it with `sms-stage load --data` or \
                 `sms-stage serve --data`"
                    .to_owned(),
            )),
        },
        Err(error) => Err(cannot(error.to_string())),
    }
}

fn open_existing(file: &Path, access: Access) -> Result<Database, String> {
    let file = fs::canonicalize(file).map_err(|error| error.to_string())?;
    ensure_own(&file)?;
    match access {
        Access::Read => snapshot(&file),
        Access::Write => {
            let opened = OpenOptions::new().read(true).write(true).open(&file);
            opened.map_err(|error| format!("it cannot be written: {error}"))?;
            database(&file)
        }
    }
}

/// Creates the file, readable by its owner only, since it holds secrets. SQLite creates the files
/// beside it (`-wal`, `-shm`) with the same mode.
fn create(file: &Path) -> Result<Database, String> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map_err(|error| error.to_string())?;
    let file = fs::canonicalize(file).map_err(|error| error.to_string())?;
    database(&file)
}

/// Opens the engine on this file. The path is absolute, so that SQLite takes it neither for a URI
/// nor for a special name (`:memory:`).
fn database(file: &Path) -> Result<Database, String> {
    let path = file.to_str().ok_or("its path is not UTF-8")?;
    Database::new(path).map_err(|error| error.to_string())
}

/// Copies the file's data into memory, for a command that only reads. Nothing is written, even if
/// SQLite would first have to create its files beside it.
fn snapshot(file: &Path) -> Result<Database, String> {
    let database = Database::memory().map_err(|error| error.to_string())?;
    let copies = |parameters| database.restore_from(&uri(file, parameters)).is_ok();
    // While another process uses the file, there is a log, and SQLite's locks are needed. Such a
    // process may have started during a copy without locks.
    let is_copied = (!has_log(file) && copies("immutable=1") && !has_log(file))
        || (has_log(file) && copies("mode=ro"));
    if !is_copied {
        let copy = PrivateCopy::of(file).map_err(|error| error.to_string())?;
        let path = uri(&copy.file(), "mode=ro");
        database.restore_from(&path).map_err(|error| error.to_string())?;
    }
    Ok(database)
}

/// Ensures that this program created the file.
fn ensure_own(file: &Path) -> Result<(), String> {
    ensure_database(file)?;
    let contents = match contents(&uri(file, "immutable=1"))? {
        // If its process was killed soon after creating the file, everything is in the log.
        Contents::Nothing if has_log(file) => {
            let copy = PrivateCopy::of(file).map_err(|error| error.to_string())?;
            contents(&uri(&copy.file(), "mode=ro"))?
        }
        contents => contents,
    };
    match contents {
        Contents::Own => Ok(()),
        Contents::Nothing | Contents::Foreign => {
            Err("it is another program's database; it was left unchanged".to_owned())
        }
        Contents::Former => {
            Err("its table was created by version 0.1: print its stages with that \
                                 version's `get`, and `load` them into a new file"
                .to_owned())
        }
    }
}

/// Ensures that the file begins as an SQLite database does.
fn ensure_database(file: &Path) -> Result<(), String> {
    let mut start = Vec::new();
    let read = fs::File::open(file).and_then(|file| file.take(16).read_to_end(&mut start));
    read.map_err(|error| error.to_string())?;
    match start.as_slice() {
        b"SQLite format 3\0" => Ok(()),
        [] => Err("it is empty; delete it, and it will be created again".to_owned()),
        _ => Err("it was not created by `sms-stage`; it was left unchanged".to_owned()),
    }
}

/// Whose database a file is.
enum Contents {
    /// This program's.
    Own,
    /// This program's, with a table of version 0.1.
    Former,
    /// Another program's.
    Foreign,
    /// It has no tables.
    Nothing,
}

fn contents(uri: &str) -> Result<Contents, String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri, flags).map_err(not_readable)?;
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    if count("SELECT count(*) FROM sqlite_master").map_err(not_readable)? == 0 {
        return Ok(Contents::Nothing);
    }
    if count(ENGINE_TABLES).map_err(not_readable)? != 3 {
        return Ok(Contents::Foreign);
    }
    // Another program's tables of these names may have other columns.
    let query = "SELECT key_schema FROM _tables WHERE table_name = ?1";
    let key = connection.query_row(query, [TABLE], |row| row.get::<_, String>(0)).optional();
    Ok(match (key, count("SELECT count(*) FROM _tables")) {
        (Ok(Some(key)), _) if key.contains("\"kind\"") && key.contains("\"id\"") => Contents::Own,
        (Ok(Some(_)), _) => Contents::Former,
        // The process that created the file ended before it created the table.
        (Ok(None), Ok(0)) => Contents::Own,
        _ => Contents::Foreign,
    })
}

/// Counts the tables that the engine creates in each of its files.
const ENGINE_TABLES: &str = "SELECT count(*) FROM sqlite_master WHERE type = 'table' \
                             AND name IN ('_config', '_tables', '_stream_records')";

fn not_readable(_: rusqlite::Error) -> String {
    "it cannot be read as an SQLite database".to_owned()
}

/// Returns whether SQLite's write-ahead log beside the file exists and is not empty.
fn has_log(file: &Path) -> bool {
    fs::metadata(beside(file, "-wal")).is_ok_and(|log| log.len() > 0)
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The characters to escape in the path of a URI.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_');

/// SQLite's URI for an absolute path: <https://www.sqlite.org/uri.html>. With `immutable=1`, SQLite
/// takes no lock, reads no log and writes nothing.
fn uri(file: &Path, parameter: &str) -> String {
    let path = percent_encode(file.as_os_str().as_encoded_bytes(), PATH);
    format!("file:{path}?{parameter}")
}

/// A copy of a data file and its log, in a directory that only its owner can access. It is removed
/// when this is dropped.
struct PrivateCopy(PathBuf);

impl PrivateCopy {
    fn of(file: &Path) -> io::Result<Self> {
        let name = format!("sms-stage-{}", Uuid::new_v4().simple());
        let copy = Self(std::env::temp_dir().join(name));
        let mut directory = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut directory, 0o700);
        directory.create(&copy.0)?;
        fs::copy(file, copy.file())?;
        if has_log(file) {
            fs::copy(beside(file, "-wal"), beside(&copy.file(), "-wal"))?;
        }
        Ok(copy)
    }

    fn file(&self) -> PathBuf {
        self.0.join("data")
    }
}

impl Drop for PrivateCopy {
    fn drop(&mut self) {
        // Nothing can be done if it cannot be removed.
        let _ = fs::remove_dir_all(&self.0);
    }
}
