//! The layout of the source: which modules may use each other, and which names each may contain.

mod source;

use std::collections::{BTreeMap, BTreeSet};

use self::source::{Source, cycles, read_files, read_sources};

/// The modules, from the top down. A file may use the modules below its own, and other files of its
/// own module if that makes no cycle.
const MODULES: &[(&str, &[&str])] = &[
    ("bin", &["src/main.rs", "src/bin/"]),
    ("lib", &["src/lib.rs"]),
    ("import", &["src/import.rs", "src/import/"]),
    ("api", &["src/api.rs", "src/api/"]),
    ("contract", &["src/contract.rs", "src/contract/"]),
    ("store", &["src/store.rs", "src/store/"]),
    ("access", &["src/access.rs", "src/access/"]),
    ("stage", &["src/stage.rs", "src/stage/"]),
    ("http", &["src/http.rs", "src/http/"]),
    ("telemetry", &["src/telemetry.rs", "src/telemetry/"]),
];

/// Modules that may not use each other, although one is below the other.
const NEVER: &[(&str, &str)] = &[("stage", "http"), ("stage", "telemetry"), ("http", "telemetry")];

/// Names, and the only places that may contain them.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("aws_sdk_dynamodb", &["src/main.rs", "src/bin/", "src/store/"]),
    ("aws_smithy", &["src/bin/", "src/store/"]),
    ("lambda_http", &["src/main.rs", "src/bin/", "src/api/", "src/http/"]),
    ("StatusCode", &["src/bin/", "src/api/answer.rs", "src/http/"]),
    ("env::var", &["src/main.rs", "src/bin/"]),
    ("dynoxide", &["src/bin/", "src/telemetry/log.rs"]),
];

/// Names, and the places that must not contain them.
const NOT_IN: &[(&str, &[&str])] =
    &[("serde_json", &["src/store/"]), ("crate::", &["src/telemetry/"])];

/// The only place that may name releases of authentik.
const RELEASES_IN: &str = "src/contract/";

/// Maximum number of lines in `src` that name one field.
const FIELD_LINES_MAX: usize = 2;

/// Maximum number of lines of a source file.
const LINES_MAX: usize = 300;

/// Maximum number of lines of a test file.
const TEST_LINES_MAX: usize = 400;

/// Known violations. An entry that is no longer a violation fails the test, too, and is removed.
const KNOWN_VIOLATIONS: &[&str] = &[];

fn sources() -> Vec<Source> {
    read_sources("src")
}

/// The position of a file's module, from the top.
fn module_index(path: &str) -> Option<usize> {
    MODULES.iter().position(|(_, places)| places.iter().any(|place| path.starts_with(place)))
}

/// Every use that is upward or forbidden, and every cycle inside a module.
fn forbidden_uses(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    let mut siblings: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in sources {
        for used in source.uses(sources) {
            let (Some(from), Some(to)) = (module_index(&source.path), module_index(used)) else {
                continue;
            };
            if from == to {
                siblings.entry(&source.path).or_default().insert(used);
            } else if from > to || NEVER.contains(&(MODULES[from].0, MODULES[to].0)) {
                found.push(format!("{} uses {used}", source.path));
            }
        }
    }
    found.extend(cycles(&siblings).into_iter().map(|cycle| format!("{cycle} is a cycle")));
    found
}

/// Every name in a place that must not contain it.
fn wrong_names(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let is_in = |places: &[&str]| places.iter().any(|place| source.path.starts_with(place));
        let mut names: Vec<&&str> = Vec::new();
        names.extend(ONLY_IN.iter().filter(|(_, places)| !is_in(places)).map(|(name, _)| name));
        names.extend(NOT_IN.iter().filter(|(_, places)| is_in(places)).map(|(name, _)| name));
        let names = names.into_iter().filter(|name| source.code.contains(**name));
        found.extend(names.map(|name| format!("{} mentions {name}", source.path)));
        if source.mentions_a_release() && !source.path.starts_with(RELEASES_IN) {
            found.push(format!("{} mentions a release", source.path));
        }
    }
    found
}

fn outside_of_modules(sources: &[Source]) -> Vec<String> {
    let outside = sources.iter().filter(|source| module_index(&source.path).is_none());
    outside.map(|source| format!("{} is in no module", source.path)).collect()
}

fn too_long(sources: &[Source], lines_max: usize) -> Vec<String> {
    let long = sources.iter().filter(|source| source.text.lines().count() > lines_max);
    long.map(|source| format!("{} has more than {lines_max} lines", source.path)).collect()
}

/// Adding a field must take only one line, in one table.
fn field_in_too_many_lines() -> Option<String> {
    let files = read_files("src");
    let lines = files.iter().flat_map(|(_, text)| text.lines());
    let count = lines.filter(|line| line.contains("verify_only") || line.contains("VerifyOnly"));
    (count.count() > FIELD_LINES_MAX).then(|| "verify_only is in too many lines".to_owned())
}

#[test]
fn the_source_follows_the_layout() {
    let sources = sources();
    let mut found = outside_of_modules(&sources);
    found.extend(forbidden_uses(&sources));
    found.extend(wrong_names(&sources));
    found.extend(too_long(&sources, LINES_MAX));
    found.extend(field_in_too_many_lines());
    let found: BTreeSet<_> = found.iter().map(String::as_str).collect();
    let known: BTreeSet<_> = KNOWN_VIOLATIONS.iter().copied().collect();
    let new: Vec<_> = found.difference(&known).collect();
    assert!(new.is_empty(), "{new:#?}");
    let resolved: Vec<_> = known.difference(&found).collect();
    assert!(
        resolved.is_empty(),
        "no longer violations, remove from KNOWN_VIOLATIONS: {resolved:#?}"
    );
}

/// The imports of a test that are neither its own modules nor the harness.
fn imports_of_tests(test: &Source) -> Vec<String> {
    let mut folders = ["tests/api/", "tests/conformance/"].into_iter();
    let inner = folders.find_map(|folder| test.path.strip_prefix(folder)).unwrap();
    let depth = inner.trim_end_matches("/mod.rs").split('/').count();
    let mut found = Vec::new();
    for path in test.paths() {
        let supers = path.iter().take_while(|name| *name == "super").count();
        let top = match path[0].as_str() {
            "crate" => path.get(1),
            // As many as lead to the crate's root.
            "super" if supers >= depth => path.get(supers),
            _ => continue,
        };
        if top.is_some_and(|top| top != "harness" && top != "*") {
            found.push(format!("{} imports {}", test.path, path.join("::")));
        }
    }
    found
}

#[test]
fn no_test_imports_another_and_none_is_too_long() {
    let tests: Vec<_> = [read_sources("tests/api"), read_sources("tests/conformance")].concat();
    let mut found = too_long(&tests, TEST_LINES_MAX);
    found.extend(tests.iter().flat_map(imports_of_tests));
    assert!(found.is_empty(), "{found:#?}");
}

// Tests of the check itself.

fn example(files: &[(&str, &str)]) -> Vec<Source> {
    files.iter().map(|(path, text)| Source::new(path, text)).collect()
}

#[test]
fn upward_uses_and_cycles_are_found_in_every_notation() {
    for (files, expected) in [
        (
            vec![("src/stage/flow.rs", "use crate::store::Table;"), ("src/store/mod.rs", "")],
            vec!["src/stage/flow.rs uses src/store/mod.rs"],
        ),
        (
            vec![
                ("src/http/event.rs", "use crate::{\n  access::{Caller, token::Token},\n};"),
                ("src/access/mod.rs", ""),
                ("src/access/token.rs", ""),
            ],
            vec![
                "src/http/event.rs uses src/access/mod.rs",
                "src/http/event.rs uses src/access/token.rs",
            ],
        ),
        (
            vec![
                ("src/stage/mod.rs", ""),
                ("src/stage/flow.rs", "fn f() -> super::super::api::App {}"),
                ("src/api/mod.rs", ""),
            ],
            vec!["src/stage/flow.rs uses src/api/mod.rs"],
        ),
        (
            vec![("src/stage/mod.rs", "use crate::http::Event;"), ("src/http/mod.rs", "")],
            vec!["src/stage/mod.rs uses src/http/mod.rs"],
        ),
        (
            vec![
                ("src/store/mod.rs", ""),
                ("src/store/a.rs", "use super::b::B;"),
                ("src/store/b.rs", "use super::update::c;"),
                ("src/store/update.rs", "mod c; use self::c::C;"),
                ("src/store/update/c.rs", "use super::super::a;"),
            ],
            vec!["src/store/a.rs, src/store/b.rs, src/store/update/c.rs is a cycle"],
        ),
        (
            vec![
                ("src/bin/sms-stage/main.rs", "mod load; use authenticator_sms_stage::store;"),
                ("src/bin/sms-stage/load.rs", "use crate::run;"),
                ("src/store/mod.rs", "// crate::api is above"),
                ("src/api/mod.rs", "use crate::store::Table; // fine"),
            ],
            vec![],
        ),
        (
            vec![
                ("src/bin/sms-stage/main.rs", "mod load; use load::Load;"),
                ("src/bin/sms-stage/load.rs", "fn load() { crate::run() }"),
            ],
            vec!["src/bin/sms-stage/load.rs, src/bin/sms-stage/main.rs is a cycle"],
        ),
    ] {
        assert_eq!(forbidden_uses(&example(&files)), expected, "{files:?}");
    }
}

#[test]
fn misplaced_names_are_found() {
    for (path, text, expected) in [
        ("src/stage/mod.rs", "use aws_sdk_dynamodb::Client;", Some("aws_sdk_dynamodb")),
        ("src/store/mod.rs", "use aws_sdk_dynamodb::Client;", None),
        ("src/store/mod.rs", "fn f(v: serde_json::Value) {}", Some("serde_json")),
        ("src/api/mod.rs", "use lambda_http::http::StatusCode;", Some("StatusCode")),
        ("src/api/answer.rs", "use lambda_http::http::StatusCode;", None),
        ("src/telemetry/mod.rs", "use crate::api::App;", Some("crate::")),
        ("src/api/mod.rs", "if release >= \"2025.10\" {}", Some("a release")),
        ("src/bin/sms-stage/settings.rs", "/// for example 2025.10", Some("a release")),
        ("src/contract/mod.rs", "const NEW: &str = \"2025.10\";", None),
    ] {
        let expected: Vec<_> =
            expected.map(|name| format!("{path} mentions {name}")).into_iter().collect();
        assert_eq!(wrong_names(&example(&[(path, text)])), expected, "{text}");
    }
}

#[test]
fn imports_of_another_test_are_found_in_every_notation() {
    for (path, text, is_found) in [
        ("tests/api/a.rs", "use crate::b::c;", true),
        ("tests/api/a.rs", "use super::{b::c, harness};", true),
        ("tests/api/a.rs", "fn f() { super::b::c() }", true),
        ("tests/api/a.rs", "use crate::harness::b; use super::harness::c;", false),
        ("tests/api/a.rs", "mod own; use self::own::c; use serde_json::json;", false),
        ("tests/api/a/mod.rs", "use super::b::c;", true),
        ("tests/api/a/own.rs", "use super::{other, super::harness};", false),
        ("tests/api/a/own.rs", "use super::super::b::c;", true),
        ("tests/api/a/own/deep.rs", "use super::super::other;", false),
        ("tests/conformance/a.rs", "use super::b::c;", true),
    ] {
        let found = imports_of_tests(&Source::new(path, text));
        assert_eq!(!found.is_empty(), is_found, "{path}: {text}: {found:?}");
    }
}
