//! Logs: JSON in Lambda, lines for people elsewhere. `RUST_LOG` chooses what is shown.

use std::{error::Error, io};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Our own events from `info`, the libraries' from `warn`: at `info` some of them print addresses and queries.
const DEFAULT_FILTER: &str = "warn,gridkeep=info,platform=info,host=info,store=info,auth=info,presign=info,etl=info,\
consumer=info,data_api=info,s3_local=info";

/// Sets the process's log up; a second call changes nothing.
pub fn init(json: bool) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let registry = tracing_subscriber::registry().with(filter);
    // An earlier subscriber (a test's, the host's) stays.
    let _already = if json {
        registry
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_writer(io::stdout),
            )
            .try_init()
    } else {
        registry
            .with(fmt::layer().with_target(false).with_writer(io::stderr))
            .try_init()
    };
}

/// An error with its causes, in one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
