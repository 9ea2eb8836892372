//! The expected form of a server's answers, for the client of any release.

use serde_json::{Map, Value, json};

/// The keys and rules of each release's answers.
pub struct Lines(pub Value);

impl Lines {
    /// A release's own row if there is one, else the row of its line.
    fn of(&self, release: &str) -> &Value {
        let find = |name: &str| {
            let mut rows = self.0["lines"].as_array().unwrap().iter();
            rows.find(|row| row["releases"].as_array().unwrap().contains(&json!(name)))
        };
        let line = || find(release.rsplit_once('.').unwrap().0);
        find(release).or_else(line).unwrap_or_else(|| panic!("{release} is in no row"))
    }
}

/// A server, and the expected state of its stages, which a check that changes a stage must update.
pub struct Server {
    pub base_url: String,
    /// The keys and rules of the server's answers.
    contract: Value,
    /// What the client's release can send and expects in answers.
    pub client: Value,
    pub stages: Vec<Value>,
    pub flow: Value,
    pub mapping: Value,
}

/// The fixture's first stage, which has flows: the one that the checks change.
pub const STAGE: usize = 0;
/// The fixture's second stage, which has none.
pub const OTHER: usize = 1;

impl Server {
    pub fn new(lines: &Lines, fixture: &Value, release: &str, setting: &str, url: &str) -> Self {
        let contract =
            if setting == "every_release" { &lines.0["every_release"] } else { lines.of(setting) };
        Self {
            base_url: url.to_owned(),
            contract: contract.clone(),
            client: lines.of(release).clone(),
            stages: fixture["stages"].as_array().unwrap().clone(),
            flow: fixture["flows"][3]["pk"].clone(),
            mapping: fixture["mappings"][0]["pk"].clone(),
        }
    }

    /// A stage's key.
    pub fn pk(&self, stage: usize) -> &str {
        self.stages[stage]["pk"].as_str().unwrap()
    }

    /// Changes the expected state of a stage.
    pub fn expect(&mut self, stage: usize, fields: &Value) {
        let stage = self.stages[stage].as_object_mut().unwrap();
        stage.extend(fields.as_object().unwrap().clone());
    }

    pub fn hides_secrets(&self) -> bool {
        !self.contract["stage"].as_array().unwrap().contains(&json!("auth"))
    }

    pub fn page_size(&self) -> usize {
        usize::try_from(self.contract["page_size"]["default"].as_u64().unwrap()).unwrap()
    }

    /// A stage as this server shows it.
    pub fn shown(&self, stage: &Value, to_editor: bool) -> Value {
        let keys = self.contract["stage"].as_array().unwrap().iter();
        let field = |key: &Value| {
            let key = key.as_str().unwrap();
            let value = match (key, &stage[key]) {
                ("flow_set", flows) => {
                    flows.as_array().unwrap().iter().map(|flow| self.shown_flow(flow)).collect()
                }
                ("friendly_name", Value::Null) => self.contract["no_friendly_name"].clone(),
                ("auth" | "auth_password", _) if !to_editor => json!(""),
                (_, value) => value.clone(),
            };
            (key.to_owned(), value)
        };
        Value::Object(keys.map(field).collect::<Map<_, _>>())
    }

    fn shown_flow(&self, flow: &Value) -> Value {
        let keys = self.contract["flow"].as_array().unwrap().iter();
        let field = |key: &Value| {
            let key = key.as_str().unwrap();
            let from = if key == "background_url" { "background" } else { key };
            (key.to_owned(), flow[from].clone())
        };
        Value::Object(keys.map(field).collect())
    }

    /// A page with these stages, as this server shows it.
    pub fn page(&self, stages: &[&Value], to_editor: bool, pagination: &Value) -> Value {
        let mut page = json!({
            "pagination": {
                "next": 0,
                "previous": 0,
                "count": stages.len(),
                "current": 1,
                "total_pages": 1,
                "start_index": usize::from(!stages.is_empty()),
                "end_index": stages.len(),
            },
            "results": stages.iter().map(|stage| self.shown(stage, to_editor)).collect::<Value>(),
        });
        let given = pagination.as_object().unwrap().clone();
        page["pagination"].as_object_mut().unwrap().extend(given);
        if self.contract["list"].as_array().unwrap().contains(&json!("autocomplete")) {
            page["autocomplete"] = json!({});
        }
        page
    }

    /// All stages, by name.
    pub fn by_name(&self) -> Vec<&Value> {
        let mut stages: Vec<&Value> = self.stages.iter().collect();
        stages.sort_by_key(|stage| stage["name"].as_str().unwrap());
        stages
    }
}
