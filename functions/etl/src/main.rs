//! etl as a Lambda function: an SQS event source with batch size 1 and partial batch failures.

use std::time::{Duration, Instant, SystemTime};

use aws_lambda_events::sqs::SqsEvent;
use etl::{Config, Deps};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use platform::{config::Settings, telemetry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(true);
    let config = Config {
        // Waiting costs money here: soon hand the rest on.
        full_wait: Duration::from_secs(5),
        ..Config::from(&Settings::from_env())?
    };
    let deps = Deps::connect(&config).await?;
    run(service_fn(|event: LambdaEvent<SqsEvent>| {
        let deps = deps.clone();
        async move {
            let left = event
                .context
                .deadline()
                .duration_since(SystemTime::now())
                .unwrap_or_default();
            Ok::<_, Error>(etl::handle(&deps, event.payload, Instant::now() + left).await)
        }
    }))
    .await
}
