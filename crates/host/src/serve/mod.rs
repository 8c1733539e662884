//! What a role does once its servers are there: its routes, its loops, its health, until it is asked to stop.
//!
//! `all` merges every function's routes into one router and runs both loops; `front` forwards to the roles instead
//! ([`proxy`]). Both serve the page ([`page`]) and the S3 protocol ([`storage`]). etl works off the queue
//! ([`event_source`]), consumer its stream.

pub mod event_source;
pub mod page;
pub mod proxy;
pub mod storage;

use std::{
    future::IntoFuture as _,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use axum::{
    Router,
    extract::Request,
    response::{IntoResponse as _, Response},
    routing::get,
};
use contracts::{Code, Problem};
use futures::{FutureExt as _, future::BoxFuture};
use http::{HeaderValue, StatusCode, header};
use platform::{
    config::Settings,
    http::HttpConfig,
    queue::{Queue, QueueConfig},
};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;
use url::Url;

use crate::stack::Role;

/// Requests in flight get this long when the process is asked to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How long an address may still be a dead predecessor's.
const BIND_WITHIN: Duration = Duration::from_secs(3);

/// Where a path of the API belongs; the first that fits wins. `*` is any one segment.
const ROUTES: [(&str, Role); 8] = [
    ("/api/v1/auth", Role::Auth),
    ("/api/v1/me", Role::Auth),
    ("/api/v1/users", Role::Auth),
    ("/api/v1/uploads", Role::Presign),
    ("/api/v1/hooks", Role::Presign),
    ("/api/v1/datasets/*/hooks", Role::Presign),
    ("/api/v1/datasets/*/drop-folder", Role::Presign),
    ("/api/", Role::DataApi),
];

/// A role that serves: what it runs stops with `shutdown`.
#[derive(Debug)]
pub struct Serving {
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Serving {
    /// Starts the role; it is ready when this returns.
    ///
    /// # Errors
    /// When a setting is missing, a server cannot be reached, or its port is taken.
    pub async fn start(
        role: Role,
        settings: &Settings,
        pages: page::Pages,
    ) -> anyhow::Result<Self> {
        let shutdown = CancellationToken::new();
        let serving = Self {
            shutdown,
            tasks: TaskTracker::new(),
        };
        match role {
            Role::All => {
                serving.storage(settings).await?;
                let api = api(settings, &[Role::Auth, Role::Presign, Role::DataApi]).await?;
                serving.etl(settings).await?;
                serving.consumer(settings).await?;
                serving
                    .listen(
                        &public_address(settings)?,
                        with_pages(api, pages, settings)?,
                    )
                    .await?;
            }
            Role::Front => {
                serving.storage(settings).await?;
                let api = forwarded(settings)?;
                serving
                    .listen(
                        &public_address(settings)?,
                        with_pages(api, pages, settings)?,
                    )
                    .await?;
            }
            Role::Auth | Role::Presign | Role::DataApi => {
                let api = api(settings, &[role]).await?;
                let app = Router::new()
                    .route("/healthz", get(ready))
                    .fallback_service(api);
                serving.listen(&address(settings, role)?, app).await?;
            }
            Role::Etl => {
                serving.etl(settings).await?;
                serving.listen(&address(settings, role)?, health()).await?;
            }
            Role::Consumer => {
                serving.consumer(settings).await?;
                serving.listen(&address(settings, role)?, health()).await?;
            }
        }
        Ok(serving)
    }

    /// Waits until the process is asked to stop, then lets what runs finish.
    pub async fn until_stopped(self) {
        stop_signal().await;
        tracing::info!("stopping");
        self.stop().await;
    }

    /// Takes nothing new, and lets what runs finish within [`DRAIN`].
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.tasks.close();
        if tokio::time::timeout(DRAIN, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("some work did not finish in time; it comes again");
        }
    }

    async fn listen(&self, address: &str, app: Router) -> anyhow::Result<()> {
        let listener = bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        tracing::info!("listening on {address}");
        let shutdown = self.shutdown.clone();
        let server = axum::serve(
            listener,
            app.into_make_service_with_connect_info::<SocketAddr>(),
        )
        .with_graceful_shutdown(async move { shutdown.cancelled().await });
        self.tasks.spawn(server.into_future());
        Ok(())
    }

    async fn storage(&self, settings: &Settings) -> anyhow::Result<()> {
        let queue = work_queue(settings).await?;
        let (s3, address) = storage::open(settings, queue).await?;
        self.listen(&address, s3.service()).await
    }

    async fn etl(&self, settings: &Settings) -> anyhow::Result<()> {
        const INVOCATION: &str = "GRIDKEEP_INVOCATION_SECONDS";
        let deps = etl::Deps::connect(&etl::Config::from(settings)?).await?;
        // Only a JetStream queue needs an event source of ours; SQS has Lambda's.
        if !QueueConfig::from(settings, "GRIDKEEP_WORK_QUEUE")?.needs_nats() {
            return Ok(());
        }
        let nats = platform::nats::connect(&settings.secret("GRIDKEEP_NATS_URL")?).await?;
        let invocation: u64 = settings.parse_or(INVOCATION, 900)?;
        anyhow::ensure!(invocation > 0, "{INVOCATION} must be at least 1");
        let config = event_source::Config {
            visibility: Duration::from_secs(settings.parse_or("GRIDKEEP_VISIBILITY_SECONDS", 60)?),
            invocation: Duration::from_secs(invocation),
            concurrency: 2,
        };
        let turns = Arc::clone(&deps.turns);
        let crowd: event_source::Crowd = Arc::new(move |waiting| turns.set_waiting(waiting));
        let handler: event_source::Handler = Arc::new(move |event, deadline| {
            let deps = Arc::clone(&deps);
            async move {
                let response = etl::handle(&deps, event, deadline).await;
                response
                    .batch_item_failures
                    .into_iter()
                    .map(|failure| failure.item_identifier)
                    .collect()
            }
            .boxed()
        });
        let context = platform::nats::jetstream(&nats);
        self.tasks.spawn(event_source::run(
            context,
            config,
            handler,
            crowd,
            self.shutdown.clone(),
        ));
        Ok(())
    }

    async fn consumer(&self, settings: &Settings) -> anyhow::Result<()> {
        let deps = consumer::Deps::connect(&consumer::Config::from(settings)?).await?;
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(consumer::run_loop(deps, async move {
            shutdown.cancelled().await;
        }));
        Ok(())
    }
}

/// The routes of the HTTP functions among `roles`, under one layer, as each function's Lambda has them.
async fn api(settings: &Settings, roles: &[Role]) -> anyhow::Result<Router> {
    let mut api = Router::new();
    for role in roles {
        api = api.merge(match role {
            Role::Auth => auth::router(auth::Deps::connect(&auth::Config::from(settings)?).await?),
            Role::Presign => {
                presign::router(presign::Deps::connect(&presign::Config::from(settings)?).await?)
            }
            Role::DataApi => {
                data_api::router(data_api::Deps::connect(&data_api::Config::from(settings)?).await?)
            }
            Role::All | Role::Front | Role::Etl | Role::Consumer => Router::new(),
        });
    }
    Ok(platform::http::layer(api, &HttpConfig::from(settings)?))
}

/// The API of `front`: each path goes to the role that has it.
fn forwarded(settings: &Settings) -> anyhow::Result<Router> {
    let proxy = proxy::Proxy::new();
    let mut targets = Vec::new();
    for (prefix, role) in ROUTES {
        targets.push((prefix, settings.parse::<Url>(&role.url_setting())?));
    }
    let forward = move |request: Request| {
        let target = targets
            .iter()
            .find(|(prefix, _)| belongs(request.uri().path(), prefix))
            .map(|(_, url)| url.clone());
        let proxy = proxy.clone();
        async move {
            match target {
                Some(url) => proxy.forward(&url, request).await.unwrap_or_else(|error| {
                    tracing::warn!(error = format!("{error:#}"), "a role does not answer");
                    problem(
                        Code::Unavailable,
                        "This part of Gridkeep is starting or stopped. Try again in a moment.",
                    )
                }),
                None => problem(Code::NotFound, "There is nothing at this address."),
            }
        }
    };
    Ok(Router::new().fallback(forward))
}

/// Whether the path is the prefix or lies under it: `/api/v1/me` is not `/api/v1/members`.
fn belongs(path: &str, prefix: &str) -> bool {
    let mut segments = path.split('/');
    prefix.trim_end_matches('/').split('/').all(|wanted| {
        segments
            .next()
            .is_some_and(|segment| wanted == "*" || wanted == segment)
    })
}

/// The API under `/api/`, the page everywhere else: by a service and not by a wildcard route, whose parameter the functions'
/// own routes would see.
fn with_pages(api: Router, pages: page::Pages, settings: &Settings) -> anyhow::Result<Router> {
    let pages = page::router(pages, settings)?;
    let dispatch = move |request: Request| -> BoxFuture<'static, Response> {
        let target = if request.uri().path().starts_with("/api/") {
            api.clone()
        } else {
            pages.clone()
        };
        async move { target.oneshot(request).await.into_response() }.boxed()
    };
    Ok(Router::new()
        .route("/healthz", get(ready))
        .fallback(dispatch))
}

fn health() -> Router {
    Router::new().route("/healthz", get(ready))
}

async fn ready() -> &'static str {
    "ready"
}

fn problem(code: Code, detail: &str) -> Response {
    let problem = Problem::new(code, detail);
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_string(&problem).unwrap_or_default();
    let mut response = (status, body).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}

async fn work_queue(settings: &Settings) -> anyhow::Result<Queue> {
    let config = QueueConfig::from(settings, "GRIDKEEP_WORK_QUEUE")?;
    let nats = if config.needs_nats() {
        Some(platform::nats::connect(&settings.secret("GRIDKEEP_NATS_URL")?).await?)
    } else {
        None
    };
    Ok(Queue::connect(&config, nats.as_ref()).await?)
}

fn public_address(settings: &Settings) -> anyhow::Result<String> {
    Ok(settings.required("GRIDKEEP_LISTEN")?.to_owned())
}

/// Of a role behind the front: what its URL says, or `GRIDKEEP_ROLE_LISTEN` where it listens on another name than it is
/// reached by (a container).
fn address(settings: &Settings, role: Role) -> anyhow::Result<String> {
    if let Some(address) = settings.optional("GRIDKEEP_ROLE_LISTEN") {
        return Ok(address.to_owned());
    }
    let url: Url = settings.parse(&role.url_setting())?;
    let host = url.host_str().unwrap_or("127.0.0.1");
    Ok(format!(
        "{host}:{}",
        url.port_or_known_default().unwrap_or(80)
    ))
}

/// SIGTERM, as `down` and Kubernetes send it, or Ctrl-C.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            // Without a handler the signal ends the process by itself.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::interrupt()) => {}
    }
}

/// Binds, with patience for a killed predecessor: its sockets close with the last of its threads, a moment after it is dead.
async fn bind(address: &str) -> io::Result<TcpListener> {
    let deadline = Instant::now() + BIND_WITHIN;
    loop {
        match TcpListener::bind(address).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            bound => return bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_goes_to_the_function_that_has_it() {
        let role = |path: &str| {
            ROUTES
                .iter()
                .find(|(prefix, _)| belongs(path, prefix))
                .map(|(_, role)| *role)
        };
        assert_eq!(role("/api/v1/auth/sign-in"), Some(Role::Auth));
        assert_eq!(role("/api/v1/me"), Some(Role::Auth));
        assert_eq!(role("/api/v1/members"), Some(Role::DataApi));
        assert_eq!(role("/api/v1/uploads/upl_1/warnings"), Some(Role::Presign));
        assert_eq!(role("/api/v1/hooks/hok_1"), Some(Role::Presign));
        assert_eq!(
            role("/api/v1/datasets/dst_1/hooks/hok_1"),
            Some(Role::Presign)
        );
        assert_eq!(role("/api/v1/datasets/dst_1/rows"), Some(Role::DataApi));
        assert_eq!(role("/api/v1/datasets/hooks"), Some(Role::DataApi));
        assert_eq!(role("/api/v1/openapi.json"), Some(Role::DataApi));
        assert_eq!(role("/assets/x.js"), None);
    }
}
