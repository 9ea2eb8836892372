//! The whole API as one table: from path and method to an operation.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::error::Error;

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A page of the stages.
    List,
    /// A new stage.
    Create,
    /// One stage.
    Retrieve,
    /// A change that describes the whole stage.
    Update,
    /// A change of some fields.
    PartialUpdate,
    /// A stage's end.
    Destroy,
    /// What uses a stage.
    UsedBy,
    /// A page of the stages, in the form that stages of every kind have.
    ListAllStages,
    /// A page of the flows that stages may refer to.
    ListFlows,
    /// What clients ask of the server before they do anything else.
    RootConfig,
    /// Which methods a path has.
    Options,
}

impl Operation {
    /// Whether it may change something.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::PartialUpdate | Self::Destroy)
    }

    /// authentik's name for it.
    #[must_use]
    pub fn id(self) -> &'static str {
        let rows = ROUTES.iter().flat_map(|route| route.methods);
        let mut found = rows.filter(|(_, operation, _)| *operation == self);
        found.next().map_or("options", |(_, _, id)| id)
    }
}

/// One path and its methods: each with its operation and authentik's name for that.
#[derive(Debug)]
pub struct Route {
    /// The path below the API's prefix; one segment may stand for a stage.
    pub path: &'static [&'static str],
    /// GET brings HEAD with it, and every path has OPTIONS.
    pub methods: &'static [(&'static str, Operation, &'static str)],
}

/// The segment that stands for a stage.
const STAGE_UUID: &str = "{stage_uuid}";
/// Where the stages are.
const STAGES: [&str; 3] = ["stages", "authenticator", "sms"];
/// Room for the segments of a path, with a gateway's stage before the API's prefix.
const SEGMENTS_USUAL: usize = 10;
/// Where authentik's API is.
const API: [&str; 2] = ["api", "v3"];

/// Every route.
pub static ROUTES: [Route; 6] = [
    Route {
        path: &STAGES,
        methods: &[
            ("GET", Operation::List, "stages_authenticator_sms_list"),
            ("POST", Operation::Create, "stages_authenticator_sms_create"),
        ],
    },
    Route {
        path: &["stages", "authenticator", "sms", STAGE_UUID],
        methods: &[
            ("GET", Operation::Retrieve, "stages_authenticator_sms_retrieve"),
            ("PUT", Operation::Update, "stages_authenticator_sms_update"),
            ("PATCH", Operation::PartialUpdate, "stages_authenticator_sms_partial_update"),
            ("DELETE", Operation::Destroy, "stages_authenticator_sms_destroy"),
        ],
    },
    Route {
        path: &["stages", "authenticator", "sms", STAGE_UUID, "used_by"],
        methods: &[("GET", Operation::UsedBy, "stages_authenticator_sms_used_by_list")],
    },
    Route {
        path: &["stages", "all"],
        methods: &[("GET", Operation::ListAllStages, "stages_all_list")],
    },
    Route {
        path: &["flows", "instances"],
        methods: &[("GET", Operation::ListFlows, "flows_instances_list")],
    },
    Route {
        path: &["root", "config"],
        methods: &[("GET", Operation::RootConfig, "root_config_retrieve")],
    },
];

impl Route {
    /// The path's methods, as the `Allow` header lists them.
    #[must_use]
    pub fn allow(&self) -> String {
        let own = self.methods.iter().map(|(method, _, _)| *method);
        own.chain(["HEAD", "OPTIONS"]).collect::<Vec<_>>().join(", ")
    }

    /// The operation of this method.
    ///
    /// # Errors
    ///
    /// [`Error::MethodNotAllowed`] for a method that the path does not have.
    pub fn operation(&'static self, method: &str) -> Result<Operation, Error> {
        let wanted = if method == "HEAD" { "GET" } else { method };
        if wanted == "OPTIONS" {
            return Ok(Operation::Options);
        }
        let mut found = self.methods.iter().filter(|(known, _, _)| *known == wanted);
        let found = found.next().map(|(_, operation, _)| *operation);
        found.ok_or_else(|| Error::MethodNotAllowed {
            method: method.to_owned(),
            allow: self.allow(),
        })
    }
}

/// A route, and the stage that the path names in it.
#[derive(Debug)]
pub struct Matched<'p> {
    /// The route.
    pub route: &'static Route,
    segment: Option<Cow<'p, str>>,
}

impl Matched<'_> {
    /// The stage that the path names, in any spelling of a UUID that the `uuid` crate takes.
    ///
    /// # Errors
    ///
    /// [`Error::BadStageUuid`] for anything else.
    pub fn stage_uuid(&self) -> Result<Uuid, Error> {
        let segment = self.segment.as_deref().unwrap_or_default();
        Uuid::try_parse(segment).map_err(|_| Error::BadStageUuid(segment.to_owned()))
    }
}

/// The route of a path: at its end, under any prefix (the deployment stage, `/api/v3`, a custom
/// domain's base path) that has no stages in it itself, with or without a slash behind it.
///
/// # Errors
///
/// [`Error::NotImplemented`] for any other path of authentik's API: its Terraform provider takes a
/// 404 for an object that is gone. [`Error::NoRoute`] for every other path.
pub fn find(path: &str) -> Result<Matched<'_>, Error> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = Vec::with_capacity(SEGMENTS_USUAL);
    segments.extend(path.split('/'));
    for route in &ROUTES {
        let Some(start) = segments.len().checked_sub(route.path.len()) else {
            continue;
        };
        let (prefix, own) = segments.split_at(start);
        let fits = |(wanted, segment): (&&str, &&str)| {
            wanted == segment || (*wanted == STAGE_UUID && !segment.is_empty())
        };
        let has_stages = prefix.windows(STAGES.len()).any(|part| part == STAGES);
        // A prefix has at least the empty text before the first slash.
        if prefix.is_empty() || has_stages || !route.path.iter().zip(own).all(fits) {
            continue;
        }
        let place = route.path.iter().position(|segment| *segment == STAGE_UUID);
        let segment = place.map(|place| percent_decode_str(own[place]).decode_utf8_lossy());
        return Ok(Matched { route, segment });
    }
    let is_authentiks = segments.windows(API.len()).any(|part| part == API);
    Err(if is_authentiks { Error::NotImplemented } else { Error::NoRoute })
}
