//! The streams as the design fixes them, on a real NATS server (`GRIDKEEP_TEST_NATS_URL`).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::time::Duration;

use async_nats::{
    HeaderMap,
    jetstream::{self, consumer::pull, stream::RetentionPolicy},
};
use contracts::{
    DatasetId, UploadId,
    events::{DEAD_STREAM, ROWS_STREAM, VERSIONS_STREAM, rows_subject},
};
use futures::StreamExt;
use platform::{
    config::Settings,
    nats::{self, RowsBounds, WAKE_SUBJECT, WORK_DLQ_STREAM, WORK_STREAM},
    queue::Queue,
};

async fn client() -> async_nats::Client {
    let url = std::env::var("GRIDKEEP_TEST_NATS_URL")
        .expect("GRIDKEEP_TEST_NATS_URL must name a server with JetStream: run `make test`");
    nats::connect(&url.into()).await.unwrap()
}

async fn queue(client: &async_nats::Client, setting: &str) -> Queue {
    let settings = Settings::from_map([("Q".to_owned(), setting.to_owned())].into());
    Queue::from_setting(&settings, "Q", Some(client))
        .await
        .unwrap()
}

/// One test, because the streams are one set per server.
#[tokio::test]
async fn the_streams_hold_their_bounds() {
    let client = client().await;
    let context = nats::jetstream(&client);
    let bounds = RowsBounds {
        max_per_upload: 3,
        dedup: Duration::from_secs(2),
    };
    // Every process makes them at its start.
    let (a, b) = tokio::join!(
        nats::ensure_streams(&context, &bounds),
        nats::ensure_streams(&context, &bounds)
    );
    a.unwrap();
    b.unwrap();
    for (name, retention) in [
        (ROWS_STREAM, RetentionPolicy::WorkQueue),
        (VERSIONS_STREAM, RetentionPolicy::Limits),
        (DEAD_STREAM, RetentionPolicy::Limits),
        (WORK_STREAM, RetentionPolicy::WorkQueue),
        (WORK_DLQ_STREAM, RetentionPolicy::Limits),
    ] {
        let stream = context.get_stream(name).await.unwrap();
        assert_eq!(stream.cached_info().config.retention, retention, "{name}");
    }
    one_upload_cannot_starve_the_others(&context).await;
    a_message_id_counts_once(&context).await;
    work_is_kept_until_it_is_acked_and_held_by_its_receipt(&client, &context).await;
    a_wake_reaches_who_listens(&client).await;
    // Other bounds later are taken over.
    let wider = RowsBounds {
        max_per_upload: 4,
        ..bounds
    };
    nats::ensure_streams(&context, &wider).await.unwrap();
    let stream = context.get_stream(ROWS_STREAM).await.unwrap();
    assert_eq!(stream.cached_info().config.max_messages_per_subject, 4);
}

async fn one_upload_cannot_starve_the_others(context: &jetstream::Context) {
    let full = rows_subject(DatasetId::generate(), UploadId::generate());
    let other = rows_subject(DatasetId::generate(), UploadId::generate());
    let publish = async |subject: &str| {
        context
            .publish(subject.to_owned(), "x".into())
            .await
            .unwrap()
            .await
    };
    for _ in 0..3 {
        publish(&full).await.unwrap();
    }
    assert!(publish(&full).await.is_err(), "its share is full");
    publish(&other).await.unwrap();
    let consumer = context
        .get_stream(ROWS_STREAM)
        .await
        .unwrap()
        .create_consumer(pull::Config {
            filter_subject: full.clone(),
            ..Default::default()
        })
        .await
        .unwrap();
    let mut messages = consumer.fetch().max_messages(1).messages().await.unwrap();
    messages
        .next()
        .await
        .unwrap()
        .unwrap()
        .double_ack()
        .await
        .unwrap();
    publish(&full).await.expect("an acked batch made room");
}

async fn a_message_id_counts_once(context: &jetstream::Context) {
    let subject = rows_subject(DatasetId::generate(), UploadId::generate());
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", subject.as_str());
    let publish = async || {
        context
            .publish_with_headers(subject.clone(), headers.clone(), "x".into())
            .await
            .unwrap()
            .await
            .unwrap()
    };
    assert!(!publish().await.duplicate);
    assert!(publish().await.duplicate);
}

async fn work_is_kept_until_it_is_acked_and_held_by_its_receipt(
    client: &async_nats::Client,
    context: &jetstream::Context,
) {
    let queue = queue(client, "jetstream:WORK").await;
    let stream = context.get_stream(WORK_STREAM).await.unwrap();
    stream.purge().await.unwrap();
    queue.send("{}").await.unwrap();
    let consumer = stream
        .create_consumer(pull::Config {
            durable_name: Some("test".to_owned()),
            ack_wait: Duration::from_secs(1),
            ..Default::default()
        })
        .await
        .unwrap();
    let next = async || {
        consumer
            .fetch()
            .max_messages(1)
            .expires(Duration::from_millis(400))
            .messages()
            .await
            .unwrap()
            .next()
            .await
    };
    let message = next().await.unwrap().unwrap();
    let receipt = message.reply.clone().unwrap();
    // Twice the ack wait, and nobody else gets it.
    for _ in 0..4 {
        queue.extend(&receipt, 60).await.unwrap();
        assert!(next().await.is_none());
    }
    // Let go, it comes back.
    let again = loop {
        if let Some(message) = next().await {
            break message.unwrap();
        }
    };
    assert_eq!(again.payload, "{}");
    again.double_ack().await.unwrap();
    stream.delete_consumer("test").await.unwrap();
    assert!(queue.extend("not a subject", 60).await.is_err());
}

async fn a_wake_reaches_who_listens(client: &async_nats::Client) {
    let mut heard = client.subscribe(WAKE_SUBJECT).await.unwrap();
    client.flush().await.unwrap();
    queue(client, "jetstream:WAKE")
        .await
        .send("{\"reason\":\"test\"}")
        .await
        .unwrap();
    assert_eq!(heard.next().await.unwrap().payload, "{\"reason\":\"test\"}");
}
