//! A request's headers.

use super::pairs::Pairs;

/// Headers as in the event: in its order and letter case. A name may occur more than once.
#[derive(Default)]
pub(super) struct Headers(Vec<(String, String)>);

impl Headers {
    /// Merges the two objects that an event may have. A REST API sends each header in both, but in
    /// `headers` with only its last value; a load balancer sends one of the two.
    pub(super) fn new(multi_value: Option<Pairs>, single_value: Option<Pairs>) -> Self {
        let mut headers = Self(multi_value.unwrap_or_default().0);
        let single_value = single_value.unwrap_or_default().0;
        if headers.0.is_empty() {
            return Self(single_value);
        }
        for (name, value) in single_value {
            if !headers.all(&name).any(|known| known == value) {
                headers.0.push((name, value));
            }
        }
        headers
    }

    /// All values of a header. The name is case-insensitive.
    pub(super) fn all<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h str> {
        self.0
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The first value of a header.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        // Not with `all`, whose iterator would borrow the name for as long as the value.
        let (_, value) = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value)
    }
}
