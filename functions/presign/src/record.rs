//! The upload's record in MongoDB: who, which file, and the link. PostgreSQL's import row is the truth for everything that
//! changes; this is written once, before it. So a crash between the two leaves a record that nothing points to, never an
//! import without its record.

use contracts::{
    Code, DatasetId, Problem, UploadId, UserId,
    upload::{Link, Mode},
};
use jiff::Timestamp;
use mongodb::{
    Database,
    bson::{DateTime, doc},
    options::ReturnDocument,
};
use platform::mongo::within;
use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    multipart::Multipart,
    request::{Destination, Sums, UploadRequest},
};

const RECORDS: &str = "uploads";
const KEYS: &str = "upload_keys";
const KEY_CHARS_MAX: usize = 255;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UploadRecord {
    #[serde(rename = "_id")]
    pub id: UploadId,
    pub user: UserId,
    pub file_name: String,
    pub bytes: i64,
    pub sha256: Option<String>,
    /// The dataset that was named; none for a new one.
    pub dataset: Option<DatasetId>,
    pub mode: Mode,
    pub bucket: String,
    pub key: String,
    pub created_at: DateTime,
    #[serde(flatten)]
    pub to: Kept,
}

/// How the sender got to know where the bytes go.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Kept {
    Whole(Link),
    /// Its links are signed when they are asked for.
    Parts {
        multipart: Multipart,
    },
}

impl UploadRecord {
    pub fn new(
        id: UploadId,
        user: UserId,
        request: &UploadRequest,
        bucket: &str,
        key: &str,
        to: Kept,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            user,
            file_name: request.file_name.clone(),
            // At most 5 GiB, as checked.
            bytes: i64::try_from(request.bytes).unwrap_or(i64::MAX),
            sha256: match &request.sums {
                Sums::Whole(sum) => Some(sum.clone()),
                Sums::None | Sums::Parts { .. } => None,
            },
            dataset: match &request.destination {
                Destination::New { .. } => None,
                Destination::Existing { id, .. } => Some(*id),
            },
            mode: request.destination.mode(),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            created_at: DateTime::from_millis(now.as_millisecond()),
            to,
        }
    }

    /// Writes it under its upload's id, over what is there.
    pub async fn save(&self, mongo: &Database) -> Result<(), Error> {
        let records = mongo.collection::<Self>(RECORDS);
        within(
            records
                .replace_one(doc! {"_id": self.id.to_string()}, self)
                .upsert(true),
        )
        .await?;
        Ok(())
    }

    pub async fn find(mongo: &Database, id: UploadId) -> Result<Option<Self>, Error> {
        let records = mongo.collection::<Self>(RECORDS);
        Ok(within(records.find_one(doc! {"_id": id.to_string()})).await?)
    }
}

/// What an `Idempotency-Key` of a user stands for.
#[derive(Debug, Serialize, Deserialize)]
struct KeptKey {
    #[serde(rename = "_id")]
    id: String,
    upload: UploadId,
    request: String,
}

/// The upload id that goes with the key: `fresh`, unless the key was seen before with the same request (`fingerprint`).
pub async fn upload_of_key(
    mongo: &Database,
    user: UserId,
    key: &str,
    fingerprint: &str,
    fresh: UploadId,
) -> Result<UploadId, Error> {
    const HEADER: &str = "Idempotency-Key";
    if key.is_empty() || key.len() > KEY_CHARS_MAX || !key.bytes().all(|b| b.is_ascii_graphic()) {
        let detail = "An idempotency key has 1 to 255 visible ASCII characters.";
        return Err(Problem::new(Code::Validation, detail).at(HEADER).into());
    }
    let keys = mongo.collection::<KeptKey>(KEYS);
    let kept = within(
        keys.find_one_and_update(
            doc! {"_id": format!("{user}:{key}")},
            doc! {"$setOnInsert": {"upload": fresh.to_string(), "request": fingerprint}},
        )
        .upsert(true)
        .return_document(ReturnDocument::After),
    )
    .await?;
    match kept {
        Some(kept) if kept.request == fingerprint => Ok(kept.upload),
        Some(_) => {
            let detail = "This idempotency key was used for another request. Use a new one.";
            Err(Problem::new(Code::Conflict, detail).at(HEADER).into())
        }
        None => Ok(fresh),
    }
}
