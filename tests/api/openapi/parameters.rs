//! The documented parameters of lists compared with those that lists read.

use std::collections::BTreeSet;

use authenticator_sms_stage::{
    contract::{Contract, Secrets},
    stage::{
        field::{FIELDS, Kind, Spec},
        order::Order,
    },
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    document::{Document, words},
    every_release::{app, request},
};
use crate::harness::{CONFIGURE_FLOW, MAPPING, STAGE, stage_with};

/// The parameters that every list has.
const OF_EVERY_LIST: [&str; 4] = ["search", "ordering", "page", "page_size"];
/// Parameters for which no value is refused, as their descriptions say.
const LENIENT: [&str; 3] = ["ordering", "page_size", "verify_only"];
/// The operations that list.
const LISTS: [&str; 3] =
    ["stages_authenticator_sms_list", "stages_all_list", "flows_instances_list"];

fn name(parameter: &Value) -> &str {
    parameter["name"].as_str().unwrap()
}

#[test]
fn a_list_has_a_parameter_for_each_field_that_filters() {
    let document = Document::read();
    for (list, filters) in [
        (LISTS[0], {
            let fields = FIELDS.iter().filter(|spec| spec.filter).map(|spec| spec.name);
            ["stage_uuid"].into_iter().chain(fields).collect()
        }),
        (LISTS[1], vec!["name"]),
        (LISTS[2], vec!["slug", "designation"]),
    ] {
        let parameters = document.operation(list).query_parameters(&document);
        let names: Vec<_> = parameters.iter().map(|parameter| name(parameter)).collect();
        assert_eq!(names, [&OF_EVERY_LIST[..], &filters].concat(), "{list}");
        for parameter in parameters {
            let text = parameter["description"].as_str().unwrap();
            assert!(text.trim_end().ends_with('.'), "{list} {text}");
            assert_ne!(parameter["required"], true, "{list} {text}");
        }
    }
    let others = document.operations().into_iter().filter(|it| !LISTS.contains(&it.id()));
    for other in others {
        assert_eq!(other.query_parameters(&document), Vec::<&Value>::new(), "{}", other.id());
    }
}

#[test]
fn a_parameter_has_the_kind_of_its_field() {
    let document = Document::read();
    for parameter in document.operation(LISTS[0]).query_parameters(&document) {
        let Some(spec) = FIELDS.iter().find(|spec| spec.name == name(parameter)) else { continue };
        let schema = document.resolve(&parameter["schema"]);
        match spec.kind {
            Kind::Choice(all) => assert_eq!(words(&schema["enum"]), all),
            Kind::Reference(_) => assert_eq!(schema, &json!({"type": "string", "format": "uuid"})),
            Kind::Boolean => assert_eq!(schema, &json!({"type": "boolean"})),
            _ => assert_eq!(schema, &json!({"type": "string"})),
        }
        let text = parameter["description"].as_str().unwrap();
        assert_eq!(text.contains("write-only"), spec.kind == Kind::Secret, "{text}");
    }
    let page_size = document.at("/components/parameters/PageSize");
    let rules = Contract::default().list_rules(Secrets::Editors);
    assert_eq!(page_size["schema"]["default"], rules.page_size_default);
    assert_eq!((rules.page_size_max, rules.page_size_invalid), (None, rules.page_size_default));
}

#[test]
fn the_documented_orders_are_the_known_ones() {
    let document = Document::read();
    let rules = Contract::default().list_rules(Secrets::Editors);
    let parse = |text: &str| Order::parse(Some(text), &rules);
    let of_any_kind = |text: &str| Order::parse_for_any_kind(Some(text), &rules);
    let candidates = ["pk", "stage_uuid", "component", "autocomplete"];
    let candidates: Vec<_> =
        candidates.into_iter().chain(FIELDS.iter().map(|it| it.name)).collect();
    for (list, parse) in [
        (LISTS[0], &parse as &dyn Fn(&str) -> Order),
        (LISTS[1], &of_any_kind as &dyn Fn(&str) -> Order),
    ] {
        let parameters = document.operation(list).query_parameters(&document);
        let ordering = parameters.iter().find(|parameter| name(parameter) == "ordering").unwrap();
        // Values are separated by commas.
        assert_eq!((&ordering["style"], &ordering["explode"]), (&json!("form"), &json!(false)));
        let documented: BTreeSet<_> =
            words(&ordering["schema"]["items"]["enum"]).into_iter().map(str::to_owned).collect();
        // An unknown field leaves the order by name.
        let is_known = |term: &&str| parse(&format!("-{term}")) != parse("");
        let known = candidates.iter().copied().filter(is_known);
        let known: BTreeSet<_> =
            known.flat_map(|term| [term.to_owned(), format!("-{term}")]).collect();
        assert_eq!(documented, known, "{list}");
    }
}

/// Values for any parameter, except keys that do not exist: those are refused for another reason.
const PROBES: [&str; 18] = [
    "",
    "x",
    "two words",
    "1",
    "0",
    "-1",
    "1.0",
    "true",
    "False",
    "yes",
    "twilio",
    "generic",
    "bearer",
    "recovery",
    "name",
    "-slug",
    "last",
    "-pk,name",
];

/// An existing key that the parameter can have.
fn own_row(parameter: &str) -> Option<&'static str> {
    match parameter {
        "stage_uuid" => Some(STAGE),
        "configure_flow" => Some(CONFIGURE_FLOW),
        "mapping" => Some(MAPPING),
        _ => None,
    }
}

/// The value that is checked against the schema.
fn as_read(schema: &Value, probe: &str) -> Value {
    if schema["format"] == "uuid" {
        return Uuid::try_parse(probe).map_or(json!(probe), |uuid| json!(uuid));
    }
    json!(probe)
}

#[tokio::test]
async fn a_parameter_accepts_exactly_what_its_schema_and_its_description_allow() {
    let document = Document::read();
    let app = app(None).await;
    for list in LISTS {
        let operation = document.operation(list);
        for parameter in operation.query_parameters(&document) {
            let name = name(parameter);
            let schema = document.resolve(&parameter["schema"]);
            let spelled = own_row(name).map(|row| row.replace('-', "").to_uppercase());
            let probes = PROBES.into_iter().chain(own_row(name)).map(str::to_owned).chain(spelled);
            for probe in probes {
                let query = format!("{name}={}", probe.replace(' ', "+"));
                let answer = app.send(&request(&operation, "").query(&query)).await;
                // As the introduction says, a parameter without a value is treated as absent.
                let is_allowed = probe.is_empty()
                    || LENIENT.contains(&name)
                    || document.allows(schema, &as_read(schema, &probe));
                let expected = match (is_allowed, name) {
                    (true, _) => 200,
                    (false, "page") => 404,
                    (false, _) => 400,
                };
                assert_eq!(answer.status, expected, "{list}?{query} {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn every_filter_finds_only_the_stages_with_its_value() {
    let document = Document::read();
    let app = app(None).await;
    let stage = stage_with(json!({}));
    let filters = FIELDS.iter().filter(|spec| spec.filter && !stage[spec.name].is_null());
    for Spec { name, .. } in filters {
        let value = &stage[*name];
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let query = format!("{name}={}", text.replace('+', "%2B").replace(' ', "+"));
        let list = document.operation(LISTS[0]);
        let answer = app.send(&request(&list, "").query(&query)).await;
        let found = answer.body["results"].as_array().unwrap();
        assert!(found.iter().all(|found| found[name] == *value), "{query}: {found:?}");
        assert!(found.iter().any(|found| found["pk"] == STAGE), "{query}");
    }
}
