//! Permissions and times as operators write and read them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use authenticator_sms_stage::{
    access::permission::{self, CODENAMES},
    store::time,
};

/// Maximum number of stages that are shown for a group of permissions.
const STAGES_SHOWN_MAX: usize = 3;
/// Number of digits that are shown of a stage's UUID.
const STAGE_DIGITS: usize = 4;

/// Reads a permission: a short word, or its codename.
pub fn permission(word: &str) -> Result<&'static str, String> {
    permission::codename(word).ok_or_else(|| {
        let words: Vec<_> = CODENAMES.iter().map(|(short, _)| *short).collect();
        format!("expected one of {}, or its Django codename", words.join(", "))
    })
}

/// Returns the short word for a codename.
fn short(codename: &str) -> &str {
    let known = CODENAMES.iter().find(|(_, known)| *known == codename);
    known.map_or(codename, |(short, _)| short)
}

/// Summarises permissions: those for all stages, then each group of stages that have the same
/// permissions, as `view,change@5f2d…`.
pub fn summary(permissions: &[String]) -> String {
    let mut scopes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for held in permissions {
        // Those for all stages have an empty scope.
        let (codename, stage) = held.split_once(':').unwrap_or((held, ""));
        let word = short(codename);
        if seen.insert((stage, word)) {
            scopes.entry(stage).or_default().push(word);
        }
    }
    let for_all = scopes.remove("").map(|words| words.join(","));
    let groups = grouped(scopes);
    let groups = groups.iter().map(|(words, stages)| group(words, stages));
    let texts: Vec<_> = for_all.into_iter().chain(groups).collect();
    if texts.is_empty() { "none".to_owned() } else { texts.join(" ") }
}

/// Groups the stages that have the same permissions, in the order of each group's first stage.
fn grouped<'p>(scopes: BTreeMap<&'p str, Vec<&'p str>>) -> Vec<(String, Vec<&'p str>)> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    let mut places = HashMap::new();
    for (stage, words) in scopes {
        let words = words.join(",");
        let place = *places.entry(words.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, stages)) => stages.push(stage),
            None => groups.push((words, vec![stage])),
        }
    }
    groups
}

fn group(words: &str, stages: &[&str]) -> String {
    let named = stages.iter().take(STAGES_SHOWN_MAX).map(|stage| {
        let digits: String = stage.chars().take(STAGE_DIGITS).collect();
        format!("{digits}…")
    });
    let mut text = format!("{words}@{}", named.collect::<Vec<_>>().join(","));
    if stages.len() > STAGES_SHOWN_MAX {
        text += &format!(" ({} stages)", stages.len());
    }
    text
}

/// Returns the date of a time in seconds since 1970.
pub fn day(seconds: u64) -> String {
    let time = time::format(seconds);
    time.split_once('T').map_or(time.clone(), |(day, _)| day.to_owned())
}

/// Reads when a token expires, as a time from now or a point in time, in seconds since 1970.
pub fn expiry(word: &str) -> Result<u64, String> {
    let now = time::now();
    let end = match humantime::parse_duration(word) {
        Ok(Duration::ZERO) => return Err("must be longer than zero".to_owned()),
        Ok(left) => Some(now.saturating_add(left.as_secs())),
        Err(_) => time::parse(word),
    };
    match end {
        Some(end) if end > now => Ok(end),
        Some(_) => Err("is in the past".to_owned()),
        None => Err("expected a time from now such as `30d` or `12h`, or a point in time such as \
                     `2030-01-31T12:00:00Z`"
            .to_owned()),
    }
}
