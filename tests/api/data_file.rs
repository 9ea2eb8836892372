//! The embedded engine's data file: which files it accepts, who may read them, what stays in them.

use std::{collections::BTreeMap, fs, path::Path};

#[cfg(unix)]
use crate::harness::command::{Ended, run_to_end, sms_stage_at};
use crate::harness::{
    Request, STAGE,
    command::{Folder, Server, assert_fails, assert_succeeds, run},
};

const FIXTURE: &str = "tests/conformance/fixture.json";

/// Commands that accept a data file; those that only read come first.
const COMMANDS: [&[&str]; 7] = [
    &["get", STAGE],
    &["list"],
    &["token", "list"],
    &["check"],
    &["load", FIXTURE],
    &["serve", "--listen", "127.0.0.1:0"],
    &["dynamodb", "--listen", "127.0.0.1:0"],
];

/// Number of [`COMMANDS`] that only read.
const READING: usize = 4;

/// The name and content of every file in a folder.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    });
    files.collect()
}

/// Creates a data file with the fixture.
fn loaded(folder: &Folder) -> String {
    let file = folder.path("stages.db");
    assert_succeeds(&run(&["load", FIXTURE, "--data", &file]));
    file
}

#[test]
fn files_of_other_programs_are_refused_and_not_changed() {
    let folder = Folder::new();
    for (name, statements) in [
        ("plain", "CREATE TABLE t (a)"),
        ("wal", "PRAGMA journal_mode = WAL; CREATE TABLE t (a)"),
        (
            "alike",
            "CREATE TABLE _config (a); CREATE TABLE _tables (a); CREATE TABLE _stream_records (a)",
        ),
        ("without-tables", "CREATE TABLE t (a); DROP TABLE t"),
        ("file:odd?mode=memory#%41", "CREATE TABLE t (a)"),
    ] {
        let path = folder.path(name);
        let connection = rusqlite::Connection::open_with_flags(
            &path,
            rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_CREATE,
        );
        connection.unwrap().execute_batch(statements).unwrap();
    }
    folder.write("empty", "");
    folder.write("text", "not a database, and longer than its header");
    let before = contents(Path::new(&folder.path("")));
    for name in before.keys() {
        for command in COMMANDS {
            let ended = run(&[command, &["--data", &folder.path(name)]].concat());
            assert_fails(&ended, &["cannot use the data file", name]);
        }
    }
    assert_eq!(contents(Path::new(&folder.path(""))), before);
}

#[test]
fn a_folder_or_a_missing_file_to_read_is_refused() {
    let folder = Folder::new();
    for command in COMMANDS {
        let ended = run(&[command, &["--data", &folder.path("")]].concat());
        assert_fails(&ended, &["not a regular file"]);
    }
    for command in &COMMANDS[..READING] {
        let ended = run(&[command, &["--data", &folder.path("missing")][..]].concat());
        assert_fails(&ended, &["no such file", "sms-stage load --data"]);
    }
    assert!(contents(Path::new(&folder.path(""))).is_empty());
}

#[test]
fn no_data_file_is_created_if_documents_cannot_be_loaded() {
    let folder = Folder::new();
    let bad = folder.write("bad.json", "{");
    let file = folder.path("stages.db");
    for command in ["serve", "dynamodb"] {
        let ended = run(&[command, "--listen", "127.0.0.1:0", "--data", &file, "--load", &bad]);
        assert_fails(&ended, &["bad.json"]);
    }
    assert!(!Path::new(&file).exists());
}

#[test]
fn commands_that_only_read_write_nothing() {
    let folder = Folder::new();
    let file = loaded(&folder);
    let before = contents(Path::new(&folder.path("")));
    for command in &COMMANDS[..READING] {
        assert_succeeds(&run(&[command, &["--data", &file][..]].concat()));
    }
    assert_eq!(contents(Path::new(&folder.path(""))), before);
}

#[test]
fn commands_that_only_read_see_the_writes_of_another_process() {
    let folder = Folder::new();
    let file = loaded(&folder);
    let server = Server::serve(&["--data", &file]);
    let (status, _) = server.send(&Request::patch(r#"{"friendly_name": "Written now"}"#));
    assert_eq!(status, 200);
    assert!(run(&["get", STAGE, "--data", &file]).stdout.contains("Written now"));
    // A killed server leaves its last writes in the log beside the file.
    server.end();
    assert!(run(&["get", STAGE, "--data", &file]).stdout.contains("Written now"));
    let server = Server::serve(&["--data", &file]);
    assert_eq!(server.send(&Request::get()).1["friendly_name"], "Written now");
}

/// Runs a command as a user whom permissions stop, unlike the superuser.
#[cfg(unix)]
fn run_as_nobody(arguments: &[&str]) -> Ended {
    use std::os::{fd::AsRawFd as _, unix::process::CommandExt as _};
    // This user may not be allowed to enter the folder with the program.
    let program = fs::File::open(env!("CARGO_BIN_EXE_sms-stage")).unwrap();
    let path = format!("/proc/self/fd/{}", program.as_raw_fd());
    run_to_end(sms_stage_at(&path, arguments).uid(65_534).gid(65_534))
}

#[cfg(unix)]
#[test]
fn a_read_only_file_can_be_read_but_not_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::below(&std::env::temp_dir());
    let (place, file) = (folder.path(""), loaded(&folder));
    let fixture = folder.write("fixture.json", fs::read(FIXTURE).unwrap());
    let set = |path: &str, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    set(&file, 0o444);
    set(&fixture, 0o444);
    set(&place, 0o555);
    let is_superuser = fs::File::options().append(true).open(&file).is_ok();
    let run = if is_superuser { run_as_nobody } else { run };
    let reading: Vec<_> = COMMANDS[..READING]
        .iter()
        .map(|command| run(&[command, &["--data", &file][..]].concat()))
        .collect();
    let loading = run(&["load", &fixture, "--data", &file]);
    set(&place, 0o755);
    reading.iter().for_each(assert_succeeds);
    assert_fails(&loading, &["cannot be written"]);
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_access_a_new_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let file = folder.path("stages.db");
    let _server = Server::serve(&["--data", &file]);
    for suffix in ["", "-wal", "-shm"] {
        let mode = fs::metadata(format!("{file}{suffix}")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix}");
    }
}

#[test]
fn a_demo_token_does_not_outlive_its_process() {
    let folder = Folder::new();
    let file = folder.path("stages.db");
    let tokens = || run(&["token", "list", "--data", &file]).stdout;
    let start = |arguments: &[&str], last_line| {
        Server::start(&[arguments, &["--data", &file]].concat(), last_line)
    };

    let serve: &[&str] = &["serve", "--listen", "127.0.0.1:0"];
    let mut server = start(serve, "demo token: ");
    assert!(tokens().contains("demo"), "{}", tokens());
    server.signal("INT");
    assert!(server.ends_within(std::time::Duration::from_secs(30)));
    assert!(!tokens().contains("demo"), "{}", tokens());

    fs::remove_file(&file).unwrap();
    // A killed server cannot delete its token; the next start deletes it.
    start(serve, "demo token: ").end();
    assert!(tokens().contains("demo"), "{}", tokens());
    let server = start(serve, "  sms-stage token create");
    assert!(!tokens().contains("demo"), "{}", tokens());
    let printed = server.printed.join("\n");
    assert!(!printed.contains("demo"), "{printed}");
    assert!(printed.contains(&format!("--data {file}")), "{printed}");
}
