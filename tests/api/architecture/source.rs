//! Source files, and the files that each uses.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use regex::Regex;

/// The library's name in the binaries.
const LIBRARY: &str = "authenticator_sms_stage";

/// A source file.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path from the project's root.
    pub path: String,
    /// The whole text.
    pub text: String,
    /// The text without comments.
    pub code: String,
}

/// The path and the text of every file in a folder of the project and its subfolders.
pub fn read_files(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    assert!(!found.is_empty(), "{folder} has no files");
    found
}

fn read_folder(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_folder(&path, found);
        } else {
            let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_str().unwrap();
            let text = fs::read(&path).unwrap();
            found.push((name.to_owned(), String::from_utf8_lossy(&text).into_owned()));
        }
    }
}

/// Every Rust file in a folder of the project and its subfolders.
pub fn read_sources(folder: &str) -> Vec<Source> {
    let files = read_files(folder).into_iter().filter(|(path, _)| path.ends_with(".rs"));
    files.map(|(path, text)| Source::new(&path, &text)).collect()
}

impl Source {
    /// Creates a file with this text.
    pub fn new(path: &str, text: &str) -> Self {
        let code = replace_tokens(text, |token| if token.starts_with("//") { "" } else { token });
        Self { path: path.to_owned(), text: text.to_owned(), code }
    }

    /// Whether the file names a release of authentik, also in a comment: help texts are comments.
    pub fn mentions_a_release(&self) -> bool {
        Regex::new(r"(?-u:\b)20[0-9]{2}\.[0-9]{1,2}(?-u:\b)").unwrap().is_match(&self.text)
    }

    /// The crate and the modules that the file's path stands for.
    fn module(&self) -> Vec<&str> {
        let path = self.path.trim_end_matches(".rs");
        let (crate_name, inner) = match path.strip_prefix("src/").unwrap_or(path) {
            "main" => ("bootstrap", ""),
            "lib" => (LIBRARY, ""),
            inner => match inner.strip_prefix("bin/") {
                Some(binary) => binary.split_once('/').unwrap_or((binary, "")),
                None => (LIBRARY, inner),
            },
        };
        let segments = inner.split('/').filter(|segment| !["", "mod", "main"].contains(segment));
        std::iter::once(crate_name).chain(segments).collect()
    }

    /// Every path in the code, with the groups of `use` expanded.
    pub fn paths(&self) -> Vec<Vec<String>> {
        let code = replace_tokens(&self.text, |_| "");
        let mut paths = Vec::new();
        let import = Regex::new(r"(?-u:\b)use(?-u:\s)+([^;]+);").unwrap();
        for tree in import.captures_iter(&code) {
            let tree: String = tree[1].replace(" as ", "::as::").split_whitespace().collect();
            expand(&[], &tree, &mut paths);
        }
        let rest = import.replace_all(&code, "");
        let path = Regex::new(&format!(r"(?-u:\b)(crate|super|self|{LIBRARY})(::[A-Za-z0-9_]+)+"))
            .unwrap();
        for path in path.find_iter(&rest) {
            paths.push(path.as_str().split("::").map(str::to_owned).collect());
        }
        paths
    }

    /// The other files that the code uses.
    pub fn uses<'s>(&self, sources: &'s [Self]) -> BTreeSet<&'s str> {
        let paths = self.paths();
        let absolute = paths.iter().filter_map(|path| self.absolute(path, sources));
        let used = absolute.filter_map(|path| {
            let files = sources.iter().filter(|source| path.starts_with(&source.module()));
            files.max_by_key(|source| source.module().len())
        });
        used.map(|source| &*source.path).filter(|path| *path != self.path).collect()
    }

    /// The path from its crate's root; `None` for a path into another crate.
    fn absolute<'p>(&'p self, path: &'p [String], sources: &[Self]) -> Option<Vec<&'p str>> {
        let mut names = path.iter().map(String::as_str).peekable();
        let mut module = self.module();
        match *names.peek()? {
            "crate" => {
                names.next();
                module.truncate(1);
            }
            LIBRARY => {
                names.next();
                module = vec![LIBRARY];
            }
            "self" | "super" => {
                while let Some(name) = names.next_if(|name| ["self", "super"].contains(name)) {
                    if name == "super" {
                        module.pop();
                    }
                }
            }
            child => {
                let child: Vec<_> = module.iter().copied().chain([child]).collect();
                if !sources.iter().any(|source| source.module() == child) {
                    return None;
                }
            }
        }
        module.extend(names);
        Some(module)
    }
}

/// Replaces each string literal, character literal and comment.
fn replace_tokens(text: &str, replace: fn(&str) -> &str) -> String {
    let token = r##"(?s)r#".*?"#|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])'|//[^\n]*"##;
    let token = Regex::new(token).unwrap();
    token
        .replace_all(text, |found: &regex::Captures<'_>| replace(&found[0]).to_owned())
        .into_owned()
}

/// Expands the tree of a `use` into paths.
fn expand(prefix: &[String], tree: &str, paths: &mut Vec<Vec<String>>) {
    let Some((head, group)) = tree.split_once('{') else {
        let segments = tree.split("::").filter(|segment| !segment.is_empty());
        paths.push(prefix.iter().cloned().chain(segments.map(str::to_owned)).collect());
        return;
    };
    let head = head.split("::").filter(|segment| !segment.is_empty()).map(str::to_owned);
    let prefix: Vec<_> = prefix.iter().cloned().chain(head).collect();
    let group = group.strip_suffix('}').unwrap_or(group);
    let mut depth = 0;
    let members = group.split(|character| {
        depth += match character {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        character == ',' && depth == 0
    });
    for member in members.filter(|member| !member.is_empty()) {
        expand(&prefix, member, paths);
    }
}

/// The groups of files that use each other in a cycle.
pub fn cycles(uses: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    let reach = |from: &str| {
        let mut reached = BTreeSet::new();
        let mut next = vec![from.to_owned()];
        while let Some(file) = next.pop() {
            for used in uses.get(&*file).into_iter().flatten() {
                if reached.insert((*used).to_owned()) {
                    next.push((*used).to_owned());
                }
            }
        }
        reached
    };
    let reached: BTreeMap<_, _> =
        uses.keys().map(|file| ((*file).to_owned(), reach(file))).collect();
    let mut found = BTreeSet::new();
    for (file, own) in &reached {
        let circle =
            own.iter().filter(|other| reached.get(*other).is_some_and(|r| r.contains(file)));
        let circle: Vec<_> = circle.map(String::as_str).collect();
        if !circle.is_empty() {
            found.insert(circle.join(", "));
        }
    }
    found.into_iter().collect()
}
