//! How a search is split into words, and what they match.

use std::time::{Duration, Instant};

use authenticator_sms_stage::stage::{problem::Problem, search::Search};
use proptest::prelude::*;

fn finds(search: &str, text: &str) -> bool {
    Search::parse(search).unwrap().matches(&[text])
}

#[test]
fn every_word_must_match() {
    for (search, text, found) in [
        ("", "anything", true),
        (" ,, \t", "anything", true),
        ("sms setup", "setup of sms", true),
        ("sms,setup", "setup of sms", true),
        ("sms\u{2003}fax", "setup of sms", false),
        ("\"sms setup\"", "sms setup", true),
        ("\"sms setup\"", "setup sms", false),
        ("'sms setup'", "sms  setup", false),
        ("\"sms\",setup", "setup \"sms\"", true),
        ("\"sms\",setup", "setup sms", false),
        (",\"sms setup\",", "sms setup", true),
        ("50% _x", "50% _x", true),
        ("5%", "50", false),
        ("it's bob's", "so it's bob's", true),
        ("it's bob's", "bob's and it's", false),
        ("it's bob", "bob and it's", true),
        ("a\"b c\"d", "a\"b c\"d", true),
        ("\"", "anything", true),
        ("\"\"", "anything", true),
        ("\"a", "\"a", true),
        ("\"a", "a", false),
        (r#""a \"b\" c""#, r#"a "b" c"#, true),
        (r#""a \\ c""#, r"a \ c", true),
        (r#""a \"#, r#""a \"#, true),
        ("\"a \\\nb\"", "b\" \"a \\", true),
        ("\"a\"b\"c d", "d \"a\"b \"c", true),
    ] {
        assert_eq!(finds(search, text), found, "{search:?} in {text:?}");
    }
}

#[test]
fn letter_case_is_mapped_character_by_character() {
    for (search, text, found) in [
        ("SETUP", "setup", true),
        ("σ", "ς", true),
        ("ς", "Σ", true),
        ("ſ", "S", true),
        ("ı", "i", true),
        ("ß", "SS", false),
        ("ss", "ß", false),
        ("i", "İ", false),
        ("k", "\u{212a}", false),
        ("é", "e\u{301}", false),
        ("ÄPFEL", "äpfel", true),
        // An iota subscript: the upper case is two characters, the title case one.
        ("ᾳ", "ᾼ", true),
        ("ᾜ", "ᾔ", true),
        ("ᾳ", "αι", false),
    ] {
        assert_eq!(finds(search, text), found, "{search:?} in {text:?}");
    }
}

#[test]
fn each_word_may_be_in_any_text_but_not_span_two() {
    let search = Search::parse("setup sms").unwrap();
    assert!(search.matches(&["SMS", "the setup"]));
    assert!(!search.matches(&["SMS", "the set", "up"]));
    assert!(!search.matches(&[]));
    assert!(Search::default().matches(&[]));
}

#[test]
fn a_repeated_word_is_one_word() {
    assert_eq!(Search::parse("sms SMS, sms"), Search::parse("sms"));
    assert_eq!(Search::parse("b a"), Search::parse("a b"));
}

#[test]
fn a_search_without_words_is_empty() {
    for (search, is_empty) in [("", true), (" , ", true), ("\"", false), ("a", false)] {
        assert_eq!(Search::parse(search).unwrap().is_empty(), is_empty, "{search:?}");
    }
}

#[test]
fn a_null_character_is_refused() {
    assert_eq!(Search::parse("a\0"), Err(Problem::NullCharacter));
}

#[test]
fn many_open_quotes_do_not_take_quadratic_time() {
    for piece in ["\\\" ", "\" \\' ", "'\\\n ", "a\" '\\\\ "] {
        let text = piece.repeat(200_000);
        let start = Instant::now();
        let search = Search::parse(&text).unwrap();
        assert!(!search.is_empty());
        // Thousands of times the usual duration; quadratic time would be hours.
        assert!(start.elapsed() < Duration::from_secs(20), "{piece:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_split(text in "[\"'\\\\, \n,a-cß\u{1f600}]*", any in any::<String>()) {
        prop_assert!(Search::parse(&text).is_ok());
        prop_assert_eq!(Search::parse(&any).is_err(), any.contains('\0'));
    }

    #[test]
    fn a_text_matches_a_search_for_itself(text in "[^\0\"'\\\\]*") {
        prop_assert!(finds(&text, &text));
        let quoted = format!("\"{text}\"");
        prop_assert!(finds(&quoted, &text));
    }

    #[test]
    fn a_quoted_text_is_one_word(text in "[^\0]*") {
        // A backslash before a line feed cannot be written between quotes.
        prop_assume!(!text.contains('\n'));
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        // Unescaping replaces quotes first, so that a backslash before a quote is ambiguous.
        prop_assume!(!text.contains('\\') || !text.contains('"'));
        let search = Search::parse(&format!("\"{quoted}\"")).unwrap();
        prop_assert!(search.matches(&[&text]));
    }
}
