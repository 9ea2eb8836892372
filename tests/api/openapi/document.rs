//! `openapi.yaml`, read for the tests.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The schema of a stage in answers.
pub const STAGE_ANSWER: &str = "AuthenticatorSMSStage";
/// The schema of a stage in a list of stages of all kinds.
pub const COMMON_STAGE: &str = "Stage";
/// The schema of a flow in a stage.
pub const FLOW_ANSWER: &str = "FlowSet";
/// The schema of a flow in the list of flows.
pub const LISTED_FLOW: &str = "Flow";
/// The schema of the body of a PUT or POST.
pub const FULL: &str = "AuthenticatorSMSStageRequest";
/// The schema of the body of a PATCH.
pub const PARTIAL: &str = "PatchedAuthenticatorSMSStageRequest";
/// The schema of a flow in requests.
pub const FLOW: &str = "FlowSetRequest";

/// The keys of a path that are not methods.
const NOT_METHODS: [&str; 1] = ["parameters"];

/// The document.
pub struct Document(Value);

/// The description of one operation.
#[derive(Clone, Copy)]
pub struct Described<'d> {
    /// The path's template.
    pub path: &'d str,
    /// The method, in lower case.
    pub method: &'d str,
    /// What the path documents for all its methods.
    item: &'d Value,
    /// What is documented for this method.
    pub text: &'d Value,
}

impl<'d> Described<'d> {
    /// The operation's id.
    pub fn id(&self) -> &'d str {
        self.text["operationId"].as_str().unwrap()
    }

    /// The parameters.
    pub fn parameters(&self, document: &'d Document) -> Vec<&'d Value> {
        let lists = [&self.item["parameters"], &self.text["parameters"]];
        let parameters = lists.into_iter().filter_map(Value::as_array).flatten();
        parameters.map(|parameter| document.resolve(parameter)).collect()
    }

    /// The parameters of the query string.
    pub fn query_parameters(&self, document: &'d Document) -> Vec<&'d Value> {
        let parameters = self.parameters(document).into_iter();
        parameters.filter(|parameter| parameter["in"] == "query").collect()
    }

    /// Every status, and the description of its answer.
    pub fn responses(&self, document: &'d Document) -> Vec<(u16, &'d Value)> {
        let responses = self.text["responses"].as_object().unwrap().iter();
        responses
            .map(|(status, response)| (status.parse().unwrap(), document.resolve(response)))
            .collect()
    }

    /// The content of the body, if there is one.
    pub fn body(&self) -> Option<&'d Value> {
        self.text.get("requestBody").map(|body| &body["content"]["application/json"])
    }

    /// Whether the path contains the UUID of a stage.
    pub fn names_a_stage(&self) -> bool {
        self.path.contains("{stage_uuid}")
    }

    /// Whether the caller must be authenticated.
    pub fn needs_credentials(&self) -> bool {
        self.text.get("security") != Some(&Value::Array(Vec::new()))
    }
}

impl Document {
    /// Reads the document.
    pub fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.yaml");
        Self(serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    }

    /// The node at this JSON pointer, or the one that it refers to.
    pub fn at(&self, pointer: &str) -> &Value {
        let found = self.0.pointer(pointer);
        self.resolve(found.unwrap_or_else(|| panic!("there is nothing at {pointer}")))
    }

    /// The schema with this name.
    pub fn schema(&self, name: &str) -> &Value {
        self.at(&format!("/components/schemas/{name}"))
    }

    /// The properties of a schema.
    pub fn properties(&self, schema: &str) -> &Map<String, Value> {
        self.schema(schema)["properties"].as_object().unwrap()
    }

    /// Every operation, in the document's order.
    pub fn operations(&self) -> Vec<Described<'_>> {
        let mut operations = Vec::new();
        for (path, item) in self.at("/paths").as_object().unwrap() {
            let methods = item.as_object().unwrap().iter();
            let methods = methods.filter(|(key, _)| !NOT_METHODS.contains(&key.as_str()));
            operations.extend(methods.map(|(method, text)| Described { path, method, item, text }));
        }
        operations
    }

    /// The operation with this id.
    pub fn operation(&self, id: &str) -> Described<'_> {
        let mut found = self.operations().into_iter().filter(|operation| operation.id() == id);
        found.next().unwrap_or_else(|| panic!("{id} is not described"))
    }

    /// The node itself, or the one that it refers to.
    pub fn resolve<'d>(&'d self, node: &'d Value) -> &'d Value {
        match node["$ref"].as_str() {
            Some(reference) => self.at(reference.strip_prefix('#').unwrap()),
            None => node,
        }
    }

    /// Every reference in the document.
    pub fn references(&self) -> BTreeSet<&str> {
        let mut references = BTreeSet::new();
        let mut nodes = vec![&self.0];
        while let Some(node) = nodes.pop() {
            match node {
                Value::Object(members) => {
                    references.extend(members.get("$ref").and_then(Value::as_str));
                    nodes.extend(members.values());
                }
                Value::Array(elements) => nodes.extend(elements),
                _ => {}
            }
        }
        references
    }

    /// The examples of an answer.
    pub fn examples<'d>(&'d self, response: &'d Value) -> Vec<&'d Value> {
        let content = &response["content"]["application/json"];
        let named = content["examples"].as_object().into_iter().flatten();
        let named = named.map(|(_, example)| &self.resolve(example)["value"]);
        named.chain(content.get("example")).collect()
    }

    /// The values that the schema of an answer allows for the member `code`.
    pub fn codes<'d>(&'d self, schema: &'d Value) -> BTreeSet<&'d str> {
        let schema = self.resolve(schema);
        let parts = ["anyOf", "allOf"].map(|keyword| schema[keyword].as_array());
        let own = words(&schema["properties"]["code"]["enum"]).into_iter();
        own.chain(parts.into_iter().flatten().flatten().flat_map(|part| self.codes(part))).collect()
    }
}

/// The texts of a list; empty if the value is not a list.
pub fn words(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().map(|word| word.as_str().unwrap()).collect()
}

/// The keys of an object.
pub fn keys(object: &Value) -> Vec<&str> {
    let object = object.as_object().unwrap_or_else(|| panic!("{object} is not an object"));
    object.keys().map(String::as_str).collect()
}
