//! How fast and how small: printed by `cargo test -p s3-local -- --ignored --nocapture speed`.

use std::time::Instant;

use futures::StreamExt as _;

use crate::server::Server;

const BYTES: usize = 512 * 1024 * 1024;

fn memory_kib(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn half_a_gigabyte_in_and_out() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let before = memory_kib("VmRSS");
    let chunk = bytes::Bytes::from(vec![42; 256 * 1024]);
    let put = server
        .presign_put("uploads/speed", Some(BYTES as i64), None, 600)
        .await;
    let started = Instant::now();
    let body = futures::stream::iter(
        (0..BYTES / chunk.len()).map(move |_| Ok::<_, std::io::Error>(chunk.clone())),
    );
    let request = server
        .http
        .put(put)
        .header("content-length", BYTES)
        .body(reqwest::Body::wrap_stream(body));
    assert_eq!(request.send().await.unwrap().status(), 200);
    let put_seconds = started.elapsed().as_secs_f64();

    let started = Instant::now();
    let mut body = server
        .http
        .get(server.presign_get("uploads/speed").await)
        .send()
        .await
        .unwrap()
        .bytes_stream();
    let mut got = 0;
    while let Some(bytes) = body.next().await {
        got += bytes.unwrap().len();
    }
    assert_eq!(got, BYTES);
    let get_seconds = started.elapsed().as_secs_f64();
    let mib = (BYTES >> 20) as f64;
    println!(
        "PUT {:.0} MiB/s, GET {:.0} MiB/s, client and server in one process: {} MiB before, {} MiB at most",
        mib / put_seconds,
        mib / get_seconds,
        before >> 10,
        memory_kib("VmHWM") >> 10,
    );
}
