//! The systems that are compared, and how each is started and called.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    request::{Answer, Request},
    server::Server,
};
use crate::{Failure, dynamodb::Dynamodb, function::Function};

/// A system that is measured.
pub struct System {
    /// Its name in the tables.
    pub name: &'static str,
    /// Whether it only makes one write and does not implement the endpoint.
    pub is_bare: bool,
    transport: Transport,
    command: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
}

/// How a system is called.
enum Transport {
    /// Through Lambda's Runtime API.
    RuntimeApi,
    /// Through HTTP over this Unix socket.
    Http(PathBuf),
}

impl System {
    /// A Lambda function's binary. It answers as the release of authentik on which the Django
    /// project is modelled.
    pub fn binary(name: &'static str, binary: &Path) -> Self {
        Self {
            name,
            is_bare: false,
            transport: Transport::RuntimeApi,
            command: vec![binary.into()],
            environment: vec![("AUTHENTIK_VERSION", "2025.8".into())],
        }
    }

    /// The binary of a function that makes one write and nothing else.
    pub fn bare(name: &'static str, binary: &Path) -> Self {
        Self { is_bare: true, ..Self::binary(name, binary) }
    }

    /// The Django project, served by gunicorn with one worker. `installed` has both, `sockets` is
    /// the folder for gunicorn's socket, and `database` the setting that names the database.
    pub fn django(
        name: &'static str,
        installed: &Path,
        sockets: &Path,
        database: (&'static str, OsString),
    ) -> Self {
        let socket = sockets.join("gunicorn.sock");
        let mut bind = OsString::from("unix:");
        bind.push(&socket);
        let mut command = vec![installed.join("venv/bin/gunicorn").into(), "wsgi".into()];
        command.extend(["--chdir".into(), installed.join("django").into(), "--bind".into(), bind]);
        command.extend(["--workers", "1", "--worker-class", "sync"].map(OsString::from));
        // By default, gunicorn would open a control socket in the home folder, and a thread for it.
        command.extend(["--worker-tmp-dir", "/dev/shm", "--no-control-socket"].map(OsString::from));
        Self {
            name,
            is_bare: false,
            transport: Transport::Http(socket),
            command,
            environment: vec![database],
        }
    }

    /// Starts it.
    pub async fn start(&self, dynamodb: &Dynamodb) -> Result<Running, Failure> {
        Ok(match &self.transport {
            Transport::RuntimeApi => {
                let command = &self.command;
                Running::Function(Function::start(command, &self.environment, dynamodb).await?)
            }
            Transport::Http(socket) => {
                Running::Server(Server::start(&self.command, &self.environment, socket)?)
            }
        })
    }
}

/// A system that is running.
pub enum Running {
    /// Called through the Runtime API.
    Function(Function),
    /// Called through HTTP.
    Server(Server),
}

impl Running {
    /// Makes the first call, and returns the answer and the time from the process's start to it.
    pub async fn first_call(&mut self, request: &Request) -> Result<(Duration, String), Failure> {
        match self {
            Self::Function(function) => function.first_call(&request.event).await,
            Self::Server(server) => server.first_call(&request.message).await,
        }
    }

    /// Makes the same call `times` times, and returns the last answer.
    pub async fn call(&mut self, request: &Request, times: u32) -> Result<String, Failure> {
        match self {
            Self::Function(function) => function.call(&request.event, times).await,
            Self::Server(server) => server.call(&request.message, times).await,
        }
    }

    /// Reads an answer of this system.
    pub fn parse(&self, answer: &str) -> Result<Answer, Failure> {
        match self {
            Self::Function(_) => Answer::from_function(answer),
            Self::Server(_) => Answer::from_server(answer),
        }
    }

    /// The CPU time that the system has used so far.
    pub async fn processor_time(&self) -> Result<Duration, Failure> {
        match self {
            Self::Function(function) => function.processor_time().await,
            Self::Server(server) => server.processor_time().await,
        }
    }

    /// Stops it, and waits until it has ended.
    pub async fn end(self) -> Result<(), Failure> {
        match self {
            Self::Function(function) => function.end().await,
            Self::Server(server) => server.end().await,
        }
    }
}
