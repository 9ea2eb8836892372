//! The embedded engine behind TLS, in DynamoDB's place.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use authenticator_sms_stage::store::{
    Secrets, StageTable,
    client::{self, Connection},
    documents::Documents,
};
use aws_sdk_dynamodb::config::Credentials;
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

use crate::{Failure, failure};

/// The table's name.
pub const TABLE: &str = "authenticator-sms-stage";
/// Its content: the fixture of the tests.
const FIXTURE: &str = include_str!("../../tests/conformance/fixture.json");
/// Trusted besides the harness's own certificate: the function parses as many as without `AWS_CA_BUNDLE`.
const AMAZON_ROOTS: &str = include_str!("../../src/store/amazon-roots.pem");

/// The engine with its table, and a TLS proxy in front of it.
pub struct Dynamodb {
    /// The proxy's address.
    pub endpoint: String,
    /// A file with the certificates to trust: Amazon's and the proxy's.
    pub bundle: PathBuf,
    connections: Arc<AtomicUsize>,
}

impl Dynamodb {
    /// Starts all of it; the certificates are written to `folder`.
    pub async fn start(folder: &Path) -> Result<Self, Failure> {
        let engine = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = engine.local_addr()?;
        tokio::spawn(dynoxide::server::serve_on(engine, dynoxide::Database::memory()?));
        let client = client::client(Connection {
            region: "us-east-1".to_owned(),
            endpoint: Some(format!("http://{address}")),
            roots: None,
            credentials: Credentials::new("local", "local", None, None, "embedded engine"),
        })?;
        let table = StageTable::new(client, TABLE.to_owned(), Secrets::Echo);
        table.create_table().await?;
        Documents::parse(FIXTURE)?.load(&table).await?;

        let (certificate, key) = certificate(folder)?;
        let bundle = folder.join("bundle.pem");
        let trusted = format!("{AMAZON_ROOTS}\n{}", std::fs::read_to_string(&certificate)?);
        std::fs::write(&bundle, trusted)?;
        let acceptor = acceptor(&certificate, &key)?;
        let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let endpoint = format!("https://{}", proxy.local_addr()?);
        let connections = Arc::<AtomicUsize>::default();
        tokio::spawn(accept(proxy, acceptor, address, connections.clone()));
        Ok(Self { endpoint, bundle, connections })
    }

    /// The number of connections since the last call of this.
    pub fn connections(&self) -> usize {
        self.connections.swap(0, Ordering::Relaxed)
    }
}

/// Makes a self-signed certificate for 127.0.0.1, and its key.
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

async fn accept(
    proxy: TcpListener,
    acceptor: TlsAcceptor,
    engine: SocketAddr,
    connections: Arc<AtomicUsize>,
) {
    while let Ok((connection, _)) = proxy.accept().await {
        let acceptor = acceptor.clone();
        connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            // A function that is ended may close its connection at any point.
            let _ = forward(connection, acceptor, engine).await;
        });
    }
}

/// Copies one connection's bytes to the engine, and the answers back.
async fn forward(
    connection: TcpStream,
    acceptor: TlsAcceptor,
    engine: SocketAddr,
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
                length => engine.write_all(requests.get(..length).unwrap_or_default()).await?,
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
