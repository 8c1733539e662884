//! consumer as a Lambda function: woken by a message (from etl, from itself, from data-api), and by a schedule.

use std::time::{Instant, SystemTime};

use consumer::{Config, Deps};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use platform::{config::Settings, telemetry};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(true);
    let deps = Deps::connect(&Config::from(&Settings::from_env())?).await?;
    run(service_fn(|event: LambdaEvent<Value>| {
        let deps = deps.clone();
        async move {
            let left = event
                .context
                .deadline()
                .duration_since(SystemTime::now())
                .unwrap_or_default();
            // Only SQS sends records. The schedule's look must not open PostgreSQL for nothing.
            if event.payload.get("Records").is_some() || consumer::is_due(&deps).await? {
                consumer::drain(&deps, Instant::now() + left).await?;
            }
            Ok::<_, Error>(())
        }
    }))
    .await
}
