//! Histories with impossible lists.

use super::{BadHistory, after};
use crate::harness::history::{
    call::{Asked, Call, Document, Listed, Outcome, Shown},
    check::Rule,
};

/// The histories.
pub const LISTS: &[BadHistory] = &[
    ("a list omits a stage that existed", Rule::List, |calls| {
        let last = last_list(calls)?;
        listed(&mut calls[last])?.pop()?;
        Some(())
    }),
    ("a list shows a stage twice", Rule::List, |calls| {
        let last = last_list(calls)?;
        let list = listed(&mut calls[last])?;
        list.push(list.first()?.clone());
        Some(())
    }),
    ("a list shows a document that the stage never had", Rule::List, |calls| {
        let last = last_list(calls)?;
        let shown = listed(&mut calls[last])?.first_mut()?;
        shown.document = shown.document.replace("\"from_number\":\"", "\"from_number\":\"0").into();
        Some(())
    }),
    ("a list shows a document that was overwritten earlier", Rule::List, |calls| {
        let last = last_list(calls)?;
        let list = calls[last].clone();
        let (place, older) = list.listed()?.iter().enumerate().find_map(|(place, shown)| {
            let of_the_stage =
                calls.iter().filter(|call| call.stage().as_ref() == Some(&shown.stage));
            let mut documents = of_the_stage.filter_map(Call::shown).map(|shown| &shown.document);
            Some((place, documents.find(|older| **older != shown.document)?.clone()))
        })?;
        listed(&mut calls[last])?[place].document = older;
        Some(())
    }),
    ("a list shows a stage that was deleted earlier", Rule::List, |calls| {
        let deleted = calls.iter().find(|call| matches!(call.outcome, Outcome::Deleted))?;
        let stage = deleted.stage()?;
        let shown = calls.iter().filter(|call| call.stage().as_ref() == Some(&stage));
        let document = shown.filter_map(Call::shown).next_back()?.document.clone();
        let last = last_list(calls)?;
        listed(&mut calls[last])?.push(Listed { stage, document });
        Some(())
    }),
    ("a list shows a stage before it was created", Rule::List, |calls| {
        let first = calls.iter().position(|call| call.listed().is_some())?;
        let end = calls[first].end;
        let is_later = |call: &&Call| call.asked.is_creation() && call.start > end;
        let created = calls.iter().filter(is_later).find_map(Call::shown)?.clone();
        let one = Listed { stage: created.stage(), document: created.document };
        listed(&mut calls[first])?.push(one);
        Some(())
    }),
    ("a later list shows an earlier version", Rule::Time, |calls| {
        let list = calls[last_list(calls)?].clone();
        let last = calls.last()?.clone();
        let shown = last.shown()?;
        // A write, and two lists during it.
        let body = Document::from_iter([("from_number".to_owned(), "later".into())]);
        let mut document = shown.parse();
        document["from_number"] = "later".into();
        let document = serde_json::Value::Object(document).to_string().into();
        let tag = format!("\"{}-ffffffff\"", shown.revision() + 1);
        let write = Call {
            asked: Asked { body, ..Asked::of("PATCH", &shown.stage()) },
            end: last.end + 9,
            outcome: Outcome::Shown(Shown { tag, document }),
            ..after(&last)
        };
        let (start, stage) = (write.start, shown.stage());
        let [mut new, old] = [1, 3].map(|time| Call {
            id: write.id + time,
            start: start + time as u64,
            end: start + time as u64 + 1,
            ..list.clone()
        });
        let entry = listed(&mut new)?.iter_mut().find(|one| one.stage == stage)?;
        entry.document = write.shown()?.document.clone();
        calls.extend([write, new, old]);
        Some(())
    }),
];

/// The position of the last list, after which nothing was changed.
fn last_list(calls: &[Call]) -> Option<usize> {
    calls.iter().rposition(|call| call.listed().is_some())
}

fn listed(call: &mut Call) -> Option<&mut Vec<Listed>> {
    match &mut call.outcome {
        Outcome::Listed(listed) => Some(listed),
        _ => None,
    }
}
