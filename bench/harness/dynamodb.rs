//! The embedded engine behind TLS, in place of DynamoDB.

use std::{
    mem,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use authenticator_sms_stage::{
    import::{
        file::Documents,
        load::{self, OnConflict},
    },
    store::Table,
};
use dynoxide::Database;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig, crypto,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::{Failure, failure, table};

/// The table's content: the fixture of the tests.
const FIXTURE: &[u8] = include_bytes!("../../tests/conformance/fixture.json");
/// Also trusted, so that the function parses as many certificates as without `AWS_CA_BUNDLE`.
const AMAZON_ROOTS: &str = include_str!("../../src/store/amazon-roots.pem");

/// The engine with its table, and a TLS proxy in front of it.
pub struct Dynamodb {
    /// The proxy's address.
    pub endpoint: String,
    /// A file with the certificates to trust: Amazon's and the proxy's.
    pub bundle: PathBuf,
    /// The engine's database.
    pub database: Database,
    traffic: Arc<Traffic>,
}

/// The traffic through the proxy.
#[derive(Default)]
struct Traffic {
    connections: AtomicUsize,
    operations: Mutex<Vec<String>>,
}

impl Dynamodb {
    /// Starts the engine and the proxy. The certificates are written to `folder`.
    pub async fn start(folder: &Path) -> Result<Self, Failure> {
        let engine = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = engine.local_addr()?;
        let database = Database::memory()?;
        tokio::spawn(dynoxide::server::serve_on(engine, database.clone()));
        let table = table::create(address).await?;
        load_fixture(&table).await?;

        let (certificate, key) = certificate(folder)?;
        let bundle = folder.join("bundle.pem");
        let trusted = format!("{AMAZON_ROOTS}\n{}", std::fs::read_to_string(&certificate)?);
        std::fs::write(&bundle, trusted)?;
        let acceptor = acceptor(&certificate, &key)?;
        let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let endpoint = format!("https://{}", proxy.local_addr()?);
        let traffic = Arc::<Traffic>::default();
        tokio::spawn(accept(proxy, acceptor, address, traffic.clone()));
        Ok(Self { endpoint, bundle, database, traffic })
    }

    /// The number of connections since the last call of this method.
    pub fn connections(&self) -> usize {
        self.traffic.connections.swap(0, Ordering::Relaxed)
    }

    /// The operations, such as `GetItem`, of the requests since the last call of this method.
    pub fn operations(&self) -> Vec<String> {
        let mut operations = self.traffic.operations.lock().unwrap_or_else(PoisonError::into_inner);
        mem::take(&mut operations)
    }
}

async fn load_fixture(table: &Table) -> Result<(), Failure> {
    let documents = Documents::parse(FIXTURE)?;
    let report = load::load(table, &[documents], OnConflict::Overwrite, |_| {}).await;
    match report.refused.len() {
        0 => Ok(()),
        refused => failure(format!("{refused} documents of the fixture were refused")),
    }
}

/// Creates a self-signed certificate for 127.0.0.1, and its key.
fn certificate(folder: &Path) -> Result<(PathBuf, PathBuf), Failure> {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-subj", "/CN=127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-out"])
        .arg(&certificate)
        .arg("-keyout")
        .arg(&key)
        .output()?;
    if output.status.success() {
        Ok((certificate, key))
    } else {
        failure(format!("openssl: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, Failure> {
    let certificate = CertificateDer::from_pem_file(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl Traffic {
    /// Records the operation if these bytes are the beginning of a request. The client sends a
    /// request only after the answer to the one before, and its headers fit into one read.
    fn note(&self, bytes: &[u8]) {
        let head = String::from_utf8_lossy(bytes);
        let target = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("x-amz-target").then_some(value)
        });
        if let Some(target) = target.filter(|_| head.starts_with("POST ")) {
            let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
            self.operations.lock().unwrap_or_else(PoisonError::into_inner).push(operation);
        }
    }
}

async fn accept(
    proxy: TcpListener,
    acceptor: TlsAcceptor,
    engine: SocketAddr,
    traffic: Arc<Traffic>,
) {
    while let Ok((connection, _)) = proxy.accept().await {
        let acceptor = acceptor.clone();
        let traffic = traffic.clone();
        traffic.connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            // A function that is stopped may close its connection at any point.
            let _ = forward(connection, acceptor, engine, &traffic).await;
        });
    }
}

/// Copies one connection's bytes to the engine, and the answers back.
async fn forward(
    connection: TcpStream,
    acceptor: TlsAcceptor,
    engine: SocketAddr,
    traffic: &Traffic,
) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut client = acceptor.accept(connection).await?;
    let mut engine = TcpStream::connect(engine).await?;
    engine.set_nodelay(true)?;
    let (mut requests, mut answers) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut requests) => match read? {
                0 => return Ok(()),
                length => {
                    let bytes = requests.get(..length).unwrap_or_default();
                    traffic.note(bytes);
                    engine.write_all(bytes).await?;
                }
            },
            read = engine.read(&mut answers) => match read? {
                0 => return Ok(()),
                length => {
                    client.write_all(answers.get(..length).unwrap_or_default()).await?;
                    client.flush().await?;
                }
            },
        }
    }
}
