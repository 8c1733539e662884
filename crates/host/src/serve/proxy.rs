//! Forwards a request to another server of ours as it came (the Host too: it is the origin that the functions check), bodies
//! streamed both ways, upgrades joined (Vite's hot reload is a WebSocket).

use axum::{body::Body, extract::Request, response::Response};
use http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use url::Url;

/// Of one connection, not of the request.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

#[derive(Clone, Debug)]
pub struct Proxy(Client<HttpConnector, Body>);

impl Default for Proxy {
    fn default() -> Self {
        Self::new()
    }
}

impl Proxy {
    #[must_use]
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(std::time::Duration::from_secs(2)));
        connector.set_nodelay(true);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Sends the request to `target`, path and query unchanged.
    ///
    /// # Errors
    /// When the target cannot be reached or breaks off before its answer.
    pub async fn forward(&self, target: &Url, mut request: Request) -> anyhow::Result<Response> {
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        *request.uri_mut() = Uri::builder()
            .scheme(target.scheme())
            .authority(target.authority())
            .path_and_query(path)
            .build()?;
        let upgrade = request.headers().get(header::UPGRADE).cloned();
        remove_hop_by_hop(request.headers_mut());
        let Some(upgrade) = upgrade else {
            let mut response = self.0.request(request).await?;
            remove_hop_by_hop(response.headers_mut());
            return Ok(response.map(Body::new));
        };
        request.headers_mut().insert(header::UPGRADE, upgrade);
        request.headers_mut().insert(
            header::CONNECTION,
            header::HeaderValue::from_static("upgrade"),
        );
        let from = hyper::upgrade::on(&mut request);
        let mut response = self.0.request(request).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let to = hyper::upgrade::on(&mut response);
            tokio::spawn(async move {
                if let (Ok(from), Ok(to)) = tokio::join!(from, to) {
                    // Either side may go at any time; that ends both.
                    let _ended = tokio::io::copy_bidirectional(
                        &mut TokioIo::new(from),
                        &mut TokioIo::new(to),
                    )
                    .await;
                }
            });
        }
        Ok(response.map(Body::new))
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}
