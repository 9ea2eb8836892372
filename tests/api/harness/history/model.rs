//! The model that the function is checked against: the effect of a change on a stage, in as little
//! code as possible.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Value, json};

use super::call::Document;

/// The release of authentik whose documents the model describes.
pub const MODELLED_VERSION: &str = "2025.8";

/// The fields that are set to the value that is sent.
const PLAIN: [&str; 9] = [
    "name",
    "friendly_name",
    "provider",
    "from_number",
    "account_sid",
    "auth",
    "auth_password",
    "auth_type",
    "verify_only",
];

/// The keys of a flow that the server generates.
const GENERATED: [&str; 2] = ["pk", "policybindingmodel_ptr_id"];

/// The rows that a stage may refer to. The function never changes them.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The flows that have a row.
    pub flows: HashSet<String>,
    /// The mappings that have a row.
    pub mappings: HashSet<String>,
    /// A new stage's document before its body is applied. Its key is null, because the function
    /// generates it.
    pub blank: Document,
}

/// The values of a new stage's fields that its body does not contain.
fn defaults() -> Value {
    json!({
        "pk": null,
        "name": null,
        "flow_set": [],
        "configure_flow": null,
        "friendly_name": null,
        "provider": "twilio",
        "from_number": null,
        "account_sid": null,
        "auth": null,
        "auth_password": "",
        "auth_type": "basic",
        "verify_only": false,
        "mapping": null,
    })
}

impl Model {
    /// The same model, with the members that are the same for every stage copied from one that was
    /// shown.
    pub fn with_constants_of(mut self, shown: Document) -> Self {
        self.blank = shown;
        let Value::Object(defaults) = defaults() else { unreachable!() };
        self.blank.extend(defaults);
        self
    }

    /// The document of a new stage, or the invalid fields, as for a change.
    pub fn create(&self, body: &Document) -> Result<Document, BTreeSet<&'static str>> {
        self.apply(&self.blank, body)
    }

    /// The document after the change, or the invalid fields, not including a name that is taken.
    /// The keys of a new flow are null, because the function generates them.
    pub fn apply(
        &self,
        old: &Document,
        body: &Document,
    ) -> Result<Document, BTreeSet<&'static str>> {
        let mut new = old.clone();
        for field in PLAIN {
            if let Some(sent) = body.get(field) {
                new.insert(field.to_owned(), sent.clone());
            }
        }
        if let Some(Value::Array(sent)) = body.get("flow_set") {
            new.insert("flow_set".to_owned(), flow_set(old, sent));
        }
        let mut wrong = BTreeSet::new();
        if !matches!(new["provider"].as_str(), Some("twilio" | "generic")) {
            wrong.insert("provider");
        }
        if let Some(sent) = body.get("configure_flow") {
            if !self.may_configure(old, &new, sent) {
                wrong.insert("configure_flow");
            }
            new.insert("configure_flow".to_owned(), sent.clone());
        }
        if let Some(sent) = body.get("mapping") {
            let is_known = sent.as_str().is_none_or(|mapping| self.mappings.contains(mapping));
            if !is_known && *sent != old["mapping"] {
                wrong.insert("mapping");
            }
            new.insert("mapping".to_owned(), sent.clone());
        }
        if !body.contains_key("configure_flow") && self.removes_its_flow(old, &new) {
            new.insert("configure_flow".to_owned(), Value::Null);
        }
        if wrong.is_empty() { Ok(new) } else { Err(wrong) }
    }

    fn may_configure(&self, old: &Document, new: &Document, flow: &Value) -> bool {
        let is_removed = holds(&old["flow_set"], flow) && !holds(&new["flow_set"], flow);
        flow.is_null()
            || self.has_flow(flow)
            || holds(&new["flow_set"], flow)
            || (*flow == old["configure_flow"] && !is_removed)
    }

    /// Whether the change removes from `flow_set` the flow that `configure_flow` refers to.
    fn removes_its_flow(&self, old: &Document, new: &Document) -> bool {
        let flow = &old["configure_flow"];
        holds(&old["flow_set"], flow) && !holds(&new["flow_set"], flow) && !self.has_flow(flow)
    }

    fn has_flow(&self, flow: &Value) -> bool {
        flow.as_str().is_some_and(|flow| self.flows.contains(flow))
    }
}

/// Whether `flow_set` contains the flow.
fn holds(flow_set: &Value, flow: &Value) -> bool {
    !flow.is_null() && flow_set.as_array().unwrap().iter().any(|known| known["pk"] == *flow)
}

fn flow_set(old: &Document, sent: &[Value]) -> Value {
    let old = old["flow_set"].as_array().unwrap();
    let after = sent.iter().map(|sent| {
        let known = old.iter().find(|known| known["slug"] == sent["slug"]);
        let mut flow = known.cloned().unwrap_or_else(|| new_flow(&sent["slug"]));
        for (field, value) in sent.as_object().unwrap() {
            if !GENERATED.contains(&&**field) && !["background", "export_url"].contains(&&**field) {
                flow[field] = value.clone();
            }
        }
        flow
    });
    after.collect()
}

fn new_flow(slug: &Value) -> Value {
    json!({
        "pk": null,
        "policybindingmodel_ptr_id": null,
        "slug": slug,
        "background": "/static/dist/assets/images/flow_background.jpg",
        "policy_engine_mode": "any",
        "compatibility_mode": false,
        "export_url": format!("/api/v3/flows/instances/{}/export/", slug.as_str().unwrap()),
        "layout": "stacked",
        "denied_action": "message_continue",
    })
}

/// Copies the generated keys from the shown document to the model's. Returns them if the documents
/// are then equal.
pub fn copy_generated_keys(model: &mut Document, shown: &Document) -> Option<Vec<String>> {
    let mut generated = Vec::new();
    if model["pk"].is_null() {
        model["pk"] = shown["pk"].clone();
    }
    if let (Some(Value::Array(flows)), Some(Value::Array(shown))) =
        (model.get_mut("flow_set"), shown.get("flow_set"))
    {
        for (flow, shown) in flows.iter_mut().zip(shown) {
            for key in GENERATED {
                if flow[key].is_null() {
                    flow[key] = shown[key].clone();
                    generated.push(shown[key].as_str()?.to_owned());
                }
            }
        }
    }
    (model == shown).then_some(generated)
}

/// The first field in which two documents differ, for a violation's description.
pub fn difference(model: &Document, shown: &Document) -> String {
    let differing = model.keys().chain(shown.keys()).find(|key| model.get(*key) != shown.get(*key));
    differing.map_or_else(String::new, |key| {
        format!("{key} should be {:?} but is {:?}", model.get(key), shown.get(key))
    })
}
