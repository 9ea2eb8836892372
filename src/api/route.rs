//! The whole API as one table that maps path and method to an operation.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::error::Error;
use crate::stage::echo::Echo;

/// An operation of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Returns one page of stages.
    List,
    /// Creates a stage.
    Create,
    /// Returns one stage.
    Retrieve,
    /// Changes a stage; the request describes the whole stage.
    Update,
    /// Changes some fields of a stage.
    PartialUpdate,
    /// Deletes a stage.
    Destroy,
    /// Returns what uses a stage.
    UsedBy,
    /// Returns one page of stages, in the form that is common to stages of every kind.
    ListAllStages,
    /// Returns one page of the flows that stages may refer to.
    ListFlows,
    /// Returns the settings that clients read before they do anything else.
    RootConfig,
    /// Returns the methods of a path.
    Options,
}

impl Operation {
    /// Whether the operation may change anything.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::PartialUpdate | Self::Destroy)
    }

    /// authentik's name for the operation.
    #[must_use]
    pub fn id(self) -> &'static str {
        let rows = ROUTES.iter().flat_map(|route| route.methods);
        let mut found = rows.filter(|(_, operation, _)| *operation == self);
        found.next().map_or("options", |(_, _, id)| id)
    }
}

/// One path and its methods, each with its operation and authentik's name for the operation.
#[derive(Debug)]
pub struct Route {
    /// The path below the API's prefix; one segment may stand for a stage's UUID.
    pub path: &'static [&'static str],
    /// GET implies HEAD, and every path has OPTIONS.
    pub methods: &'static [(&'static str, Operation, &'static str)],
}

/// The segment that stands for a stage's UUID.
const STAGE_UUID: &str = "{stage_uuid}";
/// The path of the stages.
const STAGES: [&str; 3] = ["stages", "authenticator", "sms"];
/// Initial capacity for a path's segments, with a gateway's stage before the API's prefix.
const SEGMENTS_USUAL: usize = 10;
/// The prefix of authentik's API.
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

    /// The operation for this method.
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
            method: Echo::of(method),
            allow: self.allow(),
        })
    }
}

/// A route, and the path's segment for a stage, if it has one.
#[derive(Debug)]
pub struct Matched<'p> {
    /// The route.
    pub route: &'static Route,
    segment: Option<Cow<'p, str>>,
}

impl Matched<'_> {
    /// The UUID of the stage in the path, in any spelling that the `uuid` crate accepts.
    ///
    /// # Errors
    ///
    /// [`Error::BadStageUuid`] for anything else.
    pub fn stage_uuid(&self) -> Result<Uuid, Error> {
        let segment = self.segment.as_deref().unwrap_or_default();
        Uuid::try_parse(segment).map_err(|_| Error::BadStageUuid(Echo::of(segment)))
    }
}

/// Finds the route at the end of a path, with or without a trailing slash. The path may have any
/// prefix (the deployment stage, `/api/v3`, a custom domain's base path) that does not itself
/// contain the path of the stages.
///
/// # Errors
///
/// [`Error::NotImplemented`] for any other path of authentik's API: its Terraform provider takes a
/// 404 to mean that an object is gone. [`Error::NoRoute`] for every other path.
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
        // A prefix has at least the empty segment before the first slash.
        if prefix.is_empty() || has_stages || !route.path.iter().zip(own).all(fits) {
            continue;
        }
        let index = route.path.iter().position(|segment| *segment == STAGE_UUID);
        let segment = index.map(|index| percent_decode_str(own[index]).decode_utf8_lossy());
        return Ok(Matched { route, segment });
    }
    let is_authentik_path = segments.windows(API.len()).any(|part| part == API);
    Err(if is_authentik_path { Error::NotImplemented } else { Error::NoRoute })
}
