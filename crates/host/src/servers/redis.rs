//! Redis: a cache that forgets. Nothing is written to disk.

use std::time::Duration;

use anyhow::bail;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Server, installed};
use crate::stack::{
    folder::{Folder, write_whole},
    process::Spec,
    state::State,
};

pub(super) fn prepare(folder: &Folder, state: &State) -> anyhow::Result<Spec> {
    let config = format!(
        "# Written at every start by `gridkeep up`.\nbind 127.0.0.1\nport {port}\nrequirepass {password}\n\
         save \"\"\nappendonly no\nmaxmemory 128mb\nmaxmemory-policy allkeys-lru\ndaemonize no\n\
         # Its title would take the place of the environment, and with it of the stack's mark.\nset-proc-title no\n",
        port = Server::Redis.port(state),
        password = state.redis_password,
    );
    let path = folder.join("redis.conf");
    write_whole(&path, config.as_bytes(), true)?;
    let mut spec = Spec::new("redis", installed("redis-server")?, folder.path());
    spec.args = vec![path.into()];
    spec.config = config;
    Ok(spec)
}

pub(super) async fn answers(state: &State) -> anyhow::Result<()> {
    let attempt = async {
        let mut stream = TcpStream::connect(("127.0.0.1", Server::Redis.port(state))).await?;
        stream
            .write_all(format!("AUTH {}\r\nPING\r\n", state.redis_password).as_bytes())
            .await?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await?;
        if &answer != b"+OK\r\n+PONG\r\n" {
            bail!("what listens on Redis' port is not this stack's Redis");
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(Duration::from_secs(2), attempt).await?
}

#[must_use]
pub fn url(state: &State) -> String {
    format!(
        "redis://:{}@127.0.0.1:{}",
        state.redis_password,
        Server::Redis.port(state)
    )
}
