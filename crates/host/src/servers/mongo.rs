//! The MongoDB-protocol server: `mongod` where it is installed, else FerretDB over SQLite (`crates/host/ferretdb`).

use std::{fs, time::Duration};

use anyhow::bail;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Server, installed, on_path};
use crate::stack::{folder::Folder, process::Spec, state::State};

pub(super) fn prepare(folder: &Folder, state: &State) -> anyhow::Result<Spec> {
    let port = Server::Mongo.port(state).to_string();
    // Each has files of its own: a machine that gets `mongod` later must not open SQLite's.
    if let Some(mongod) = on_path("mongod").next()
        && !folder.join("ferretdb").exists()
    {
        let data = folder.join("mongo");
        fs::create_dir_all(&data)?;
        let mut spec = Spec::new("mongo", mongod, folder.path());
        spec.args = [
            "--bind_ip",
            "127.0.0.1",
            "--port",
            &port,
            "--quiet",
            "--wiredTigerCacheSizeGB",
            "0.25",
            "--dbpath",
        ]
        .map(Into::into)
        .to_vec();
        spec.args.push(data.into());
        return Ok(spec);
    }
    let data = folder.join("ferretdb");
    fs::create_dir_all(&data)?;
    let mut spec = Spec::new("mongo", installed("gridkeep-mongo")?, folder.path());
    spec.args = vec![format!("127.0.0.1:{port}").into(), data.into()];
    spec.env = vec![("DO_NOT_TRACK".to_owned(), "1".to_owned())];
    Ok(spec)
}

/// `{ping: 1, $db: "admin"}` as one OP_MSG, and an answer with `ok: 1.0`.
pub(super) async fn answers(state: &State) -> anyhow::Result<()> {
    const PING: &[u8] = b"\x1e\0\0\0\x10ping\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0";
    let attempt = async {
        let mut message = Vec::with_capacity(64);
        let length = u32::try_from(16 + 4 + 1 + PING.len())?;
        for word in [length, 1, 0, 2013, 0] {
            message.extend(word.to_le_bytes());
        }
        message.push(0);
        message.extend(PING);
        let mut stream = TcpStream::connect(("127.0.0.1", Server::Mongo.port(state))).await?;
        stream.write_all(&message).await?;
        let mut head = [0; 16];
        stream.read_exact(&mut head).await?;
        let [a, b, c, d, ..] = head;
        let mut rest =
            vec![0; usize::try_from(u32::from_le_bytes([a, b, c, d]))?.clamp(16, 65_536) - 16];
        stream.read_exact(&mut rest).await?;
        let ok = [b"\x01ok\0".as_slice(), &1.0_f64.to_le_bytes()].concat();
        if !rest.windows(ok.len()).any(|window| window == ok) {
            bail!("what listens on MongoDB's port does not answer a ping");
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(Duration::from_secs(3), attempt).await?
}

#[must_use]
pub fn url(state: &State) -> String {
    format!("mongodb://127.0.0.1:{}/gridkeep", Server::Mongo.port(state))
}
