//! The Lambda of identity. Behind it: `lib.rs`.

use anyhow::Context;
use auth::{Config, Deps};
use platform::{config::Settings, http::HttpConfig, telemetry};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::init(true);
    let settings = Settings::from_env();
    let http = HttpConfig::from(&settings)?;
    let deps = Deps::connect(&Config::from(&settings)?).await?;
    let router = platform::http::layer(auth::router(deps), &http);
    lambda_http::run(router)
        .await
        .map_err(anyhow::Error::from_boxed)
        .context("the Lambda runtime ended")
}
