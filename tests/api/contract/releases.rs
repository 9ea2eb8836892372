//! The known releases, and the meaning of the settings.

use authenticator_sms_stage::{
    contract::{
        Contract, Release, Secrets,
        line::Line,
        releases::{LINES, r2026_8},
    },
    stage::{field::Field, rules::NoDisplayName},
};
use regex::Regex;

fn contract(release: &str) -> Contract {
    Contract::parse(release).unwrap()
}

#[test]
fn a_release_is_named_with_or_without_its_patch() {
    for (name, patch) in [
        ("2024.2", 4),
        ("2024.2.0", 0),
        ("2024.10.5", 5),
        ("2025.8", 6),
        ("2025.8.3", 3),
        ("2026.2", 7),
        ("2026.8.2", 2),
    ] {
        let release = contract(name).release().unwrap();
        assert_eq!(release.patch, patch, "{name}");
        assert!(format!("{release}.").starts_with(&format!("{name}.")), "{name}");
    }
}

#[test]
fn the_error_for_an_unknown_release_lists_the_known_ones() {
    for name in [
        "",
        "latest",
        "2025",
        "2025.",
        "2025.7",
        "2025.8.",
        "2025.8.7",
        "2025.8.06",
        "2025.8.1.1",
        "2025.08",
        "v2025.8",
        " 2025.8",
        "2023.10",
        "2026.11",
        "2024.1",
        "2025.8.-1",
        "2025.80",
    ] {
        let message = Contract::parse(name).unwrap_err().to_string();
        assert!(message.contains(&format!("\"{name}\"")), "{message}");
        for line in ["2024.2 (.0 to .4)", "2025.12 (.0 to .6)", "2026.8 ("] {
            assert!(message.contains(line), "{message}");
        }
    }
}

#[test]
fn the_lines_are_ordered_from_oldest_to_newest() {
    assert!(LINES.windows(2).all(|pair| pair[0].newest < pair[1].newest));
    assert_eq!(Contract::default().release(), None);
    assert_eq!(Contract::default().to_string(), "every release");
}

#[test]
fn each_line_has_its_rules_for_requests_and_lists() {
    use NoDisplayName::{Blank, Either, Null};
    for (name, display_name, writable, slug, layouts, size, max) in [
        ("2024.2", Null, true, Some(50), 5, 100, None),
        ("2025.6", Null, true, Some(50), 5, 100, None),
        ("2025.8", Null, true, Some(50), 5, 100, None),
        ("2025.10", Blank, true, Some(50), 5, 100, None),
        ("2025.12", Blank, false, None, 5, 20, Some(100)),
        ("2026.2.6", Blank, false, None, 7, 20, Some(100)),
        ("2026.5", Blank, false, None, 7, 20, Some(100)),
        ("2026.8", Blank, false, None, 7, 20, Some(100)),
        ("", Either, true, Some(50), 5, 100, None),
    ] {
        let contract = if name.is_empty() { Contract::default() } else { contract(name) };
        let rules = contract.rules(Secrets::Editors);
        assert_eq!(rules.no_display_name, display_name, "{name}");
        assert_eq!(rules.is_writable(Field::FLOW_SET), writable, "{name}");
        assert_eq!((rules.slug_characters_max, rules.layouts), (slug, layouts), "{name}");
        let list = contract.list_rules(Secrets::Editors);
        assert_eq!((list.page_size_default, list.page_size_max), (size, max), "{name}");
        assert_eq!(list.page_size_invalid, 100, "{name}");
        assert_eq!(list.null_display_name, display_name != Blank, "{name}");
        assert_eq!(list.search_before_permission, !["2024.2", "2025.6"].contains(&name), "{name}");
        assert_eq!(list.nulls_first, name == "2026.8", "{name}");
        assert_eq!(contract.has_autocomplete(), list.search_before_permission, "{name}");
    }
}

#[test]
fn secrets_are_removed_by_a_patch_release() {
    for (name, has_keys) in [
        ("2025.12", true),
        ("2026.2.6", true),
        ("2026.2.7", false),
        ("2026.5.6", true),
        ("2026.5.7", false),
        ("2026.8.1", true),
        ("2026.8.2", false),
        ("2026.8", false),
    ] {
        let contract = contract(name);
        assert_eq!(contract.has_secret_keys(), has_keys, "{name}");
        for setting in [None, Some(Secrets::Editors), Some(Secrets::Echo), Some(Secrets::WriteOnly)]
        {
            let expected = match setting {
                Some(setting) => setting,
                None if has_keys => Secrets::Editors,
                None => Secrets::WriteOnly,
            };
            let secrets = contract.secrets(setting);
            assert_eq!(secrets, expected, "{name} {setting:?}");
            let is_guarded = secrets == Secrets::WriteOnly;
            assert_eq!(contract.rules(secrets).guards_secrets, is_guarded, "{name}");
            let is_readable = has_keys && !is_guarded;
            assert_eq!(contract.list_rules(secrets).secrets, is_readable, "{name}");
        }
    }
}

#[test]
fn the_setting_for_secrets_has_three_values() {
    for secrets in [Secrets::Editors, Secrets::Echo, Secrets::WriteOnly] {
        assert_eq!(Secrets::parse(secrets.as_str()), Ok(secrets));
        let shown = [false, true].map(|may_change| secrets.shown(may_change));
        let expected = match secrets {
            Secrets::Editors => [false, true],
            Secrets::Echo => [true, true],
            Secrets::WriteOnly => [false, false],
        };
        assert_eq!(shown, expected, "{secrets:?}");
    }
    for text in ["", "Echo", "write_only", " echo"] {
        let message = Secrets::parse(text).unwrap_err().to_string();
        assert_eq!(message, format!("\"{text}\" is not one of editors, echo, write-only"));
    }
}

#[test]
fn a_newer_client_is_detected() {
    let old = contract("2025.8.2");
    for (user_agent, newer) in [
        ("OpenAPI-Generator/2025.10.0/python", Some("2025.10.0")),
        ("OpenAPI-Generator/2026.8.5/rust", Some("2026.8.5")),
        ("OpenAPI-Generator/2025.12.6.post1755003778/python", Some("2025.12.6")),
        ("HashiCorp Terraform/1.11.4 authentik-terraform@2026.2.0-rc1 (x)", Some("2026.2.0")),
        ("authentik-terraform@2026.2", Some("2026.2.0")),
        // The function's own line, and an older one.
        ("OpenAPI-Generator/2025.8.6/python", None),
        ("OpenAPI-Generator/2024.12.5/python", None),
        // Not a release.
        ("OpenAPI-Generator/1.0.0/go", None),
        ("OpenAPI-Generator/99999.1/go", None),
        ("OpenAPI-Generator/2026/go", None),
        ("OpenAPI-Generator/", None),
        ("curl/2026.8.5", None),
        ("", None),
    ] {
        let found = old.newer_client(user_agent).map(|release| release.to_string());
        assert_eq!(found.as_deref(), newer, "{user_agent}");
    }
    // Without a chosen release, clients of every known release are served.
    let every = Contract::default();
    assert_eq!(every.newer_client("OpenAPI-Generator/2026.8.99/rust"), None);
    assert!(every.newer_client("OpenAPI-Generator/2026.11.0/rust").is_some());
}

#[test]
fn a_new_line_states_only_its_changes() {
    static NEXT: Line = Line {
        newest: Release { year: 2026, month: 11, patch: 1 },
        page_size_default: 50,
        ..r2026_8::LINE.inherited()
    };
    let next = Contract::of(&NEXT, 0);
    assert_eq!(next.to_string(), "2026.11.0");
    assert_eq!(next.list_rules(Secrets::Echo).page_size_default, 50);
    assert_eq!(next.rules(Secrets::Echo), contract("2026.8").rules(Secrets::Echo));
    // A change by a patch of the previous line holds from the new line's first release.
    assert!(!next.has_secret_keys());
    assert_eq!(next.newer_client("OpenAPI-Generator/2026.11.4/rust"), None);
}

/// A parameter that the function refused would deploy a function that does not start.
#[test]
fn the_template_accepts_the_releases_that_the_function_accepts_and_no_others() {
    let template = include_str!("../../../template.yaml");
    let (_, parameter) = template.split_once("\n  AuthentikVersion:\n").unwrap();
    let (_, pattern) = parameter.split_once("    AllowedPattern: ").unwrap();
    let pattern = Regex::new(pattern.lines().next().unwrap()).unwrap();
    assert!(pattern.is_match(""), "not set");
    let mut accepted = 0;
    for (year, month) in (2023..=2027).flat_map(|year| (0..=13).map(move |month| (year, month))) {
        let line = format!("{year}.{month}");
        let patches = (0..=20).map(|patch| format!("{line}.{patch}"));
        let odd = ["", ".", ".00", ".x", ".0.0", ".0-rc1"].map(|end| format!("{line}{end}"));
        for release in patches.chain(odd).chain([format!("v{line}"), format!(" {line}")]) {
            let is_known = Contract::parse(&release).is_ok();
            assert_eq!(pattern.is_match(&release), is_known, "{release:?}");
            accepted += usize::from(is_known);
        }
    }
    let patches: u16 = LINES.iter().map(|line| line.newest.patch + 1).sum();
    assert_eq!(accepted, LINES.len() + usize::from(patches), "each line with and without a patch");
}

#[test]
fn the_documents_list_the_known_releases() {
    let known = LINES.iter().map(|line| line.newest.to_string()).collect::<Vec<_>>().join(", ");
    let document = include_str!("../../../docs/deploy.md").replace('\n', " ");
    assert!(document.contains(&format!("{known}.")), "{known}");
}
