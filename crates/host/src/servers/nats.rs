//! NATS with JetStream on file storage. A stream with one replica writes a message to its file before it acknowledges it, so
//! an acknowledged message survives a killed server at any `sync_interval`; that one bounds what a power cut can take.
//! No password: the Rust client does not read one from the URL, and the port is the loopback's.

use std::time::Duration;

use anyhow::bail;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

use super::{Server, installed};
use crate::stack::{
    folder::{Folder, write_whole},
    process::Spec,
    state::State,
};

pub(super) fn prepare(folder: &Folder, state: &State) -> anyhow::Result<Spec> {
    let port = Server::Nats.port(state);
    let store = folder.join("nats");
    let config = format!(
        r#"# Written at every start by `gridkeep up`.
listen: "127.0.0.1:{port}"
server_name: "gridkeep-{id}"
max_payload: 1MB
max_pending: 64MB
write_deadline: "10s"
jetstream {{
  store_dir: "{store}"
  max_memory_store: 64MB
  max_file_store: 64GB
  sync_interval: "10s"
}}
"#,
        id = state.id,
        store = store.display(),
    );
    let path = folder.join("nats.conf");
    write_whole(&path, config.as_bytes(), true)?;
    let mut spec = Spec::new("nats", installed("nats-server")?, folder.path());
    spec.args = vec!["-c".into(), path.into()];
    spec.config = config;
    Ok(spec)
}

/// The server takes no client before JetStream is ready, so an answered PING is enough.
pub(super) async fn answers(state: &State) -> anyhow::Result<()> {
    let attempt = async {
        let mut stream =
            BufReader::new(TcpStream::connect(("127.0.0.1", Server::Nats.port(state))).await?);
        let mut info = String::new();
        stream.read_line(&mut info).await?;
        if !info.contains(&format!("gridkeep-{}", state.id)) {
            bail!("what listens on NATS' port is not this stack's NATS");
        }
        stream
            .write_all(b"CONNECT {\"verbose\":false}\r\nPING\r\n")
            .await?;
        let mut pong = [0; 6];
        stream.read_exact(&mut pong).await?;
        if &pong != b"PONG\r\n" {
            bail!("NATS does not answer a PING");
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(Duration::from_secs(3), attempt).await?
}

#[must_use]
pub fn url(state: &State) -> String {
    format!("nats://127.0.0.1:{}", Server::Nats.port(state))
}
