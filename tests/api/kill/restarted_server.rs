//! `sms-stage serve`, killed and restarted while clients call it.

use std::sync::Mutex;

use tokio::{net::TcpStream, sync::watch};

use super::{http, process::Process};
use crate::harness::{
    Request,
    command::sms_stage,
    history::{call::Reply, model::MODELLED_VERSION, recorder::Function},
};

/// The server, with its current address.
pub struct RestartedServer {
    /// The arguments of the next start.
    arguments: Mutex<Vec<String>>,
    /// The arguments of every start after the first.
    later: Vec<String>,
    address: watch::Sender<String>,
    /// The number of complete answers.
    answers: watch::Sender<usize>,
}

impl RestartedServer {
    /// A server that will be started with the arguments `first`, and restarted with `later`.
    pub fn new(first: &[&str], later: &[&str]) -> Self {
        let owned = |arguments: &[&str]| arguments.iter().map(ToString::to_string).collect();
        Self {
            arguments: Mutex::new(owned(first)),
            later: owned(later),
            address: watch::channel(String::new()).0,
            answers: watch::channel(0).0,
        }
    }

    /// Starts the server, and lets waiting clients connect.
    pub async fn start(&self) -> Process {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--authentik-version", MODELLED_VERSION];
        let arguments = std::mem::replace(&mut *self.arguments.lock().unwrap(), self.later.clone());
        let arguments = serve.into_iter().chain(arguments.iter().map(String::as_str));
        let mut process = Process::start(sms_stage(&arguments.collect::<Vec<_>>()));
        let address = process.line("listening on http://").await;
        self.address.send_replace(address);
        process
    }

    /// Waits for this many more answers.
    pub async fn wait_for_answers(&self, count: usize) {
        let mut answers = self.answers.subscribe();
        let goal = *answers.borrow() + count;
        answers.wait_for(|answers| *answers >= goal).await.unwrap();
    }
}

impl Function for RestartedServer {
    async fn ask(&self, request: &Request) -> Option<Reply> {
        let mut addresses = self.address.subscribe();
        let stream = loop {
            let address = addresses.borrow().clone();
            match TcpStream::connect(&address).await {
                Ok(stream) => break stream,
                // Nothing has been sent yet.
                Err(_) => addresses.wait_for(|other| *other != address).await.unwrap(),
            };
        };
        let (status, head, body) = http::send(stream, request).await?;
        self.answers.send_modify(|answers| *answers += 1);
        Some(Reply { status, tag: http::header(&head, "etag"), body })
    }
}
