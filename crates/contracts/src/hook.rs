//! Inbound webhooks: who has the key of a hook sends rows to its dataset by `POST /hooks/{id}`, signed as the Standard Webhooks say.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    HookId, UploadId,
    plan::Options,
    upload::{Mode, UploadState},
};

/// `POST /datasets/{id}/hooks`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateHook {
    /// Who sends, or what.
    pub name: String,
    #[serde(default = "Mode::append")]
    pub mode: Mode,
    #[serde(default)]
    pub key: Vec<String>,
    #[serde(default)]
    pub options: Options,
}

/// `PATCH /datasets/{id}/hooks/{hook_id}`: what is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeHook {
    #[serde(default)]
    pub name: Option<String>,
    /// A paused hook takes nothing.
    #[serde(default)]
    pub paused: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hook {
    pub id: HookId,
    pub name: String,
    /// Where to send.
    pub url: String,
    pub mode: Mode,
    pub key: Vec<String>,
    pub options: Options,
    pub paused: bool,
    /// Until then the key before the last rotation is good too.
    pub former_key_until: Option<String>,
    pub created_at: String,
}

/// A hook whose key was just made: the only time that it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HookWithKey {
    #[serde(flatten)]
    pub hook: Hook,
    /// `whsec_…`
    pub secret: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HookList {
    pub hooks: Vec<Hook>,
}

/// A message that a hook took.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HookDelivery {
    /// The sender's own id of it: `webhook-id`.
    pub message_id: String,
    pub upload_id: UploadId,
    /// None while it is being taken.
    pub state: Option<UploadState>,
    pub bytes: u64,
    pub received_at: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HookDeliveryList {
    pub deliveries: Vec<HookDelivery>,
    pub next: Option<String>,
}

/// The answer to a message.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HookAccepted {
    pub upload_id: UploadId,
}
