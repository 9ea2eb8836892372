//! The entries of a page, and its numbers.

use authenticator_sms_stage::stage::{
    paging::{InvalidPage, Page, Paging},
    rules::ListRules,
};
use proptest::prelude::*;

use super::RULES;

/// The rules of releases with smaller pages.
const SMALL: ListRules = ListRules { page_size_default: 20, page_size_max: Some(100), ..RULES };

fn page(
    page: Option<&str>,
    page_size: Option<&str>,
    rules: &ListRules,
    count: usize,
) -> Result<Page, InvalidPage> {
    Paging::parse(page, page_size, rules).page(count)
}

#[test]
fn a_size_is_a_positive_number_or_set_by_the_rules() {
    for (sent, old, small) in [
        (None, 100, 20),
        (Some(""), 100, 100),
        (Some("0"), 100, 100),
        (Some("000"), 100, 100),
        (Some("-1"), 100, 100),
        (Some("2.5"), 100, 100),
        (Some("x"), 100, 100),
        (Some("7"), 7, 7),
        (Some("007"), 7, 7),
        (Some("101"), 101, 100),
        (Some("99999999999999999999999999"), 250, 100),
    ] {
        let size = |rules| page(None, sent, rules, 250).map(|page| page.end_index);
        assert_eq!(size(&RULES), Ok(old), "{sent:?}");
        assert_eq!(size(&SMALL), Ok(small), "{sent:?}");
    }
}

#[test]
fn a_page_is_a_number_within_the_list_or_the_word_last() {
    for (sent, count, expected) in [
        (None, 25, Ok(1)),
        (Some(""), 25, Ok(1)),
        (Some("1"), 0, Ok(1)),
        (Some("03"), 25, Ok(3)),
        (Some("last"), 25, Ok(3)),
        (Some("last"), 30, Ok(3)),
        (Some("last"), 0, Ok(1)),
        (Some("2"), 0, Err(InvalidPage)),
        (Some("4"), 30, Err(InvalidPage)),
        (Some("0"), 25, Err(InvalidPage)),
        (Some("-1"), 25, Err(InvalidPage)),
        (Some("1.0"), 25, Err(InvalidPage)),
        (Some("LAST"), 25, Err(InvalidPage)),
        (Some("abc"), 25, Err(InvalidPage)),
        (Some("99999999999999999999999999"), 25, Err(InvalidPage)),
    ] {
        let current = page(sent, Some("10"), &RULES, count).map(|page| page.current);
        assert_eq!(current, expected, "{sent:?} of {count}");
    }
}

#[test]
fn the_envelope_has_the_numbers_of_the_page() {
    let middle = page(Some("2"), Some("10"), &RULES, 25).unwrap();
    let expected = Page {
        next: 3,
        previous: 1,
        count: 25,
        current: 2,
        total_pages: 3,
        start_index: 11,
        end_index: 20,
    };
    assert_eq!((middle, middle.range()), (expected, 10..20));
    let none = page(None, None, &RULES, 0).unwrap();
    let expected = Page {
        next: 0,
        previous: 0,
        count: 0,
        current: 1,
        total_pages: 1,
        start_index: 0,
        end_index: 0,
    };
    assert_eq!((none, none.range()), (expected, 0..0));
}

proptest! {
    #[test]
    fn the_pages_together_are_the_whole_list(count in 0..2_000_usize, size in 1..300_usize) {
        let size = size.to_string();
        let mut seen = 0;
        let mut number = 1;
        while number > 0 {
            let one = page(Some(&number.to_string()), Some(&size), &RULES, count).unwrap();
            prop_assert_eq!(one.range().start, seen);
            prop_assert_eq!(one.current, number);
            prop_assert_eq!(one.previous, number - 1);
            prop_assert_eq!(one.next == 0, number == one.total_pages);
            seen = one.range().end;
            number = one.next;
        }
        prop_assert_eq!(seen, count);
    }

    #[test]
    fn no_number_overflows(number: usize, size: usize, count: usize) {
        let (number, size) = (number.to_string(), size.to_string());
        for sent in [Some(number.as_str()), Some("last"), None] {
            if let Ok(page) = page(sent, Some(&size), &RULES, count) {
                prop_assert!(page.range().end <= count);
                prop_assert!(page.range().start <= page.range().end);
            }
        }
    }
}
