//! Who somebody is: the access token's claims and `GET /me`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::UserId;

/// Claims of the access JWT that functions/auth signs and every other function verifies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessClaims {
    pub iss: String,
    pub aud: String,
    pub sub: UserId,
    pub iat: i64,
    pub exp: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Me {
    pub id: UserId,
    pub email: String,
    pub name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UserList {
    pub users: Vec<Me>,
    pub next: Option<String>,
}
