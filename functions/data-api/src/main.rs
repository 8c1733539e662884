//! data-api as a Lambda function behind API Gateway.

use platform::{
    config::Settings,
    http::{HttpConfig, layer},
    telemetry,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::init(true);
    let settings = Settings::from_env();
    let deps = data_api::Deps::connect(&data_api::Config::from(&settings)?).await?;
    let app = layer(data_api::router(deps), &HttpConfig::from(&settings)?);
    lambda_http::run(app)
        .await
        .map_err(anyhow::Error::from_boxed)
}
