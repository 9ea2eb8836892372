//! The documented fields compared with the tables of fields.

use authenticator_sms_stage::{
    contract::{Contract, Secrets},
    stage::{
        field::{FIELDS, FLOW_FIELDS, Field, Kind, Spec},
        parse::SLUG_PATTERN,
        rules::Rules,
    },
};
use serde_json::{Value, json};

use super::document::{
    COMMON_STAGE, Document, FLOW, FLOW_ANSWER, FULL, LISTED_FLOW, PARTIAL, STAGE_ANSWER, words,
};

fn rules() -> Rules {
    Contract::default().rules(Secrets::Editors)
}

/// The pattern of a slug. In JSON Schema (ECMA-262), `$` does not match before a newline, and `\z`
/// does not exist.
fn slug_pattern() -> Value {
    json!(SLUG_PATTERN.replace(r"\A", "^").replace(r"\z", "$"))
}

/// The words of a choice.
type Words = &'static [&'static str];

/// Whether a schema fits the field's kind. `known` selects the known words of a choice.
fn is_of_kind(
    document: &Document,
    schema: &Value,
    spec: &Spec,
    known: impl Fn(Words) -> Words,
) -> bool {
    let schema = document.resolve(schema);
    let is_plain = || {
        schema["type"] == "string"
            && ["format", "enum", "pattern"].iter().all(|keyword| schema.get(*keyword).is_none())
    };
    match spec.kind {
        Kind::Text | Kind::Secret => is_plain(),
        Kind::Slug => schema["type"] == "string" && schema["pattern"] == slug_pattern(),
        Kind::Choice(all) => schema["type"] == "string" && words(&schema["enum"]) == known(all),
        Kind::Boolean => schema["type"] == "boolean",
        Kind::Reference(_) => schema["type"] == "string" && schema["format"] == "uuid",
        Kind::Flows => schema["type"] == "array",
    }
}

/// Asserts that the schema of one field of a request agrees with the table of fields.
fn assert_requested(document: &Document, schema: &Value, spec: &Spec, nullable: bool, blank: bool) {
    let name = spec.name;
    let rules = rules();
    let is_of_kind = is_of_kind(document, schema, spec, |all| rules.words(spec, all));
    assert!(is_of_kind, "{name} is {:?}: {schema}", spec.kind);
    let schema = document.resolve(schema);
    assert_eq!(schema["nullable"] == true, nullable, "{name}: nullable");
    let is_text = matches!(spec.kind, Kind::Text | Kind::Secret | Kind::Slug);
    assert_eq!(schema["minLength"] == 1, is_text && !blank, "{name}: blank");
    let characters_max = if spec.kind == Kind::Slug { rules.slug_characters_max } else { None };
    assert_eq!(schema.get("maxLength"), characters_max.map(|max| json!(max)).as_ref(), "{name}");
}

fn required(specs: &[Spec]) -> Vec<&str> {
    specs.iter().filter(|spec| spec.required).map(|spec| spec.name).collect()
}

#[test]
fn a_stage_in_a_request_has_the_fields_of_the_table() {
    let document = Document::read();
    let rules = rules();
    let fields: Vec<_> = Field::all().filter(|field| rules.is_writable(*field)).collect();
    let properties = document.properties(PARTIAL);
    let names: Vec<_> = fields.iter().map(|field| field.as_str()).collect();
    assert_eq!(properties.keys().collect::<Vec<_>>(), names, "in the contract's order");
    for field in fields {
        let (nullable, blank) = (rules.allows_null(field), rules.allows_blank(field));
        let schema = &properties[field.as_str()];
        assert_requested(&document, schema, field.spec(), nullable, blank);
    }
    assert_eq!(document.properties(FULL), properties);
    assert_eq!(words(&document.schema(FULL)["required"]), required(&FIELDS));
    assert_eq!(document.schema(PARTIAL).get("required"), None);
    for operation in document.operations() {
        let Some(body) = operation.body() else { continue };
        let is_required = operation.text["requestBody"]["required"] == true;
        let schema = if is_required { FULL } else { PARTIAL };
        assert_eq!(body["schema"]["$ref"], format!("#/components/schemas/{schema}"));
        assert_eq!(is_required, operation.method != "patch", "{}", operation.id());
    }
}

#[test]
fn a_flow_in_a_request_has_the_fields_of_the_table() {
    let document = Document::read();
    let properties = document.properties(FLOW);
    let names: Vec<_> = FLOW_FIELDS.iter().map(|spec| spec.name).collect();
    assert_eq!(properties.keys().collect::<Vec<_>>(), names, "in the contract's order");
    for spec in &FLOW_FIELDS {
        assert_requested(&document, &properties[spec.name], spec, spec.nullable, spec.blank);
    }
    assert_eq!(words(&document.schema(FLOW)["required"]), required(&FLOW_FIELDS));
    let flow_set = &document.properties(PARTIAL)["flow_set"];
    assert_eq!(flow_set["items"]["$ref"], format!("#/components/schemas/{FLOW}"));
}

/// Asserts that a field of an answer has its kind, and may be null if it may be stored as null. Its
/// text may have any length, because a function of another release may share the table.
fn assert_answered(document: &Document, schema: &str, spec: &Spec) {
    let property = &document.properties(schema)[spec.name];
    let name = format!("{schema}.{}", spec.name);
    assert!(is_of_kind(document, property, spec, |all| all), "{name}: {property}");
    let property = document.resolve(property);
    assert_eq!(property["nullable"] == true, spec.nullable, "{name}");
    assert!(property.get("minLength").is_none() && property.get("maxLength").is_none(), "{name}");
}

#[test]
fn an_answer_has_the_fields_of_the_tables_and_only_those_can_be_written() {
    let document = Document::read();
    for (schemas, specs) in
        [(&[STAGE_ANSWER][..], &FIELDS[..]), (&[FLOW_ANSWER, LISTED_FLOW][..], &FLOW_FIELDS[..])]
    {
        for schema in schemas {
            for spec in specs {
                assert_answered(&document, schema, spec);
            }
        }
    }
    for (schema, specs) in [(STAGE_ANSWER, &FIELDS[..]), (FLOW_ANSWER, &FLOW_FIELDS[..])] {
        for (name, property) in document.properties(schema) {
            let is_field = specs.iter().any(|spec| spec.name == name);
            assert_eq!(property["readOnly"] == true, !is_field, "{schema}.{name}");
        }
    }
    let common = document.properties(COMMON_STAGE);
    let whole = document.properties(STAGE_ANSWER);
    assert!(common.iter().all(|(name, property)| whole.get(name) == Some(property)));
}

#[test]
fn every_enum_belongs_to_a_field_or_to_one_answer() {
    let document = Document::read();
    let schemas = document.at("/components/schemas").as_object().unwrap().iter();
    let enums: Vec<_> = schemas
        .filter(|(_, schema)| schema.get("enum").is_some())
        .map(|(name, _)| &**name)
        .collect();
    // The last two have one word, which `shapes.rs` compares with the answers.
    let mut expected = vec![
        "ProviderEnum",
        "AuthTypeEnum",
        "FlowDesignationEnum",
        "PolicyEngineMode",
        "FlowLayoutEnum",
        "FlowLayoutRequestEnum",
        "DeniedActionEnum",
        "AuthenticationEnum",
        "UsedByActionEnum",
    ];
    expected.sort_unstable();
    let mut enums = enums;
    enums.sort_unstable();
    assert_eq!(enums, expected);
}
