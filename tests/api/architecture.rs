//! What the source may name where: the arrows between the modules, held by a test.

use std::{fs, path::Path};

/// Every source file, as its path from the project's root and its text.
fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
            found.push((name.to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn each_thing_is_named_only_where_it_belongs() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let binaries = ["src/main.rs", "src/bin/"];
    for (thing, places) in [
        ("aws_sdk_dynamodb", vec!["src/store", "src/main.rs", "src/bin/"]),
        ("aws_smithy", vec!["src/store", "src/main.rs", "src/bin/"]),
        ("StatusCode", vec!["src/response.rs", "src/bin/"]),
        ("env::var", binaries.to_vec()),
        ("dynoxide", vec!["src/bin/", "src/log.rs"]),
        (
            "lambda_http",
            vec![
                "src/main.rs",
                "src/handler.rs",
                "src/door.rs",
                "src/response.rs",
                "src/record.rs",
                "src/bin/",
            ],
        ),
    ] {
        let strangers: Vec<_> = files
            .iter()
            .filter(|(_, text)| {
                let mut lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                lines.any(|line| line.contains(thing))
            })
            .map(|(name, _)| name)
            .filter(|name| !places.iter().any(|place| name.starts_with(place)))
            .collect();
        assert!(strangers.is_empty(), "{thing} is named in {strangers:?}");
    }
}

#[test]
fn arrows_run_downward_only() {
    // From the top floor down. A module may name those below it.
    let floors = [
        "handler",
        "record",
        "response",
        "authentication",
        "request",
        "door",
        "store",
        "patch",
        "error",
        "permission",
        "precondition",
        "validation",
        "stage",
        "flow",
        "choice",
    ];
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    for (floor, module) in floors.iter().enumerate() {
        let own = |name: &str| {
            name == format!("src/{module}.rs") || name.starts_with(&format!("src/{module}/"))
        };
        for (name, text) in files.iter().filter(|(name, _)| own(name)) {
            let text: String = text.split_whitespace().collect();
            for above in &floors[..floor] {
                let is_named = text.contains(&format!("usecrate::{above}"))
                    || text.contains(&format!("crate::{above}::"))
                    || text.split("usecrate::{").skip(1).any(|group| {
                        let group = group.split("};").next().unwrap();
                        group.starts_with(&format!("{above}::"))
                            || group.contains(&format!(",{above}::"))
                    });
                assert!(!is_named, "{name} names {above}, which is above it");
            }
        }
    }
}
