//! Who asks: the access token's signature, an API token's hash, and membership. functions/auth makes both kinds of token; the
//! other functions know its public keys by configuration. What the caller may do with a dataset is `crate::access`.

use std::{collections::HashMap, sync::Arc};

use axum::extract::{FromRef, FromRequestParts};
use contracts::{UserId, auth::AccessClaims};
use http::{HeaderMap, header, request::Parts};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet},
};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::{
    config::{ConfigError, Settings},
    http::{ACCESS_COOKIE, ApiError, cookie},
};

/// API tokens begin so; a token that does not is an access token.
pub const API_TOKEN_PREFIX: &str = "gk_";

/// Clocks of two machines may differ by this much.
const LEEWAY_SECONDS: u64 = 5;

/// Checks access tokens. Only the keys that the deployment lists count, each with its own algorithm.
pub struct Verifier {
    keys: HashMap<String, (DecodingKey, Validation)>,
    cookie_name: String,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier")
            .field("kids", &self.keys.keys())
            .finish_non_exhaustive()
    }
}

/// Why a token is not good. Callers say 401 and nothing more; tests look closer.
#[derive(Debug, thiserror::Error)]
pub enum InvalidToken {
    #[error("the token is not readable")]
    Malformed(#[source] jsonwebtoken::errors::Error),
    #[error("the token names no key of ours")]
    UnknownKey,
    #[error("the token does not hold")]
    Refused(#[source] jsonwebtoken::errors::Error),
}

impl Verifier {
    /// From `GRIDKEEP_JWKS`, `GRIDKEEP_PUBLIC_URL` (issuer and audience) and `GRIDKEEP_COOKIE_SUFFIX`.
    ///
    /// # Errors
    /// When a setting is missing, or a key is neither Ed25519 nor P-256.
    pub fn from(settings: &Settings) -> Result<Self, ConfigError> {
        Self::new(
            settings.required("GRIDKEEP_JWKS")?,
            &settings.public_origin()?,
            settings
                .optional("GRIDKEEP_COOKIE_SUFFIX")
                .unwrap_or_default(),
        )
    }

    /// # Errors
    /// When the key set is not valid or holds a key that is neither Ed25519 nor P-256.
    pub fn new(jwks: &str, origin: &str, cookie_suffix: &str) -> Result<Self, ConfigError> {
        const NAME: &str = "GRIDKEEP_JWKS";
        let set: JwkSet =
            serde_json::from_str(jwks).map_err(|error| ConfigError::invalid(NAME, error))?;
        let mut keys = HashMap::new();
        for jwk in &set.keys {
            let kid = jwk
                .common
                .key_id
                .clone()
                .ok_or_else(|| ConfigError::invalid(NAME, "a key has no kid"))?;
            let algorithm = algorithm(jwk)
                .ok_or_else(|| ConfigError::invalid(NAME, "a key is neither Ed25519 nor P-256"))?;
            let key =
                DecodingKey::from_jwk(jwk).map_err(|error| ConfigError::invalid(NAME, error))?;
            let mut validation = Validation::new(algorithm);
            validation.leeway = LEEWAY_SECONDS;
            validation.set_issuer(&[origin]);
            validation.set_audience(&[origin]);
            validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
            if keys.insert(kid, (key, validation)).is_some() {
                return Err(ConfigError::invalid(NAME, "two keys have the same kid"));
            }
        }
        if keys.is_empty() {
            return Err(ConfigError::invalid(NAME, "there is no key"));
        }
        Ok(Self {
            keys,
            cookie_name: format!("{ACCESS_COOKIE}{cookie_suffix}"),
        })
    }

    /// # Errors
    /// When the token is not one of ours, or no longer.
    pub fn verify(&self, token: &str) -> Result<AccessClaims, InvalidToken> {
        let header = decode_header(token).map_err(InvalidToken::Malformed)?;
        let (key, validation) = header
            .kid
            .and_then(|kid| self.keys.get(&kid))
            .ok_or(InvalidToken::UnknownKey)?;
        // The key's own algorithm, never the one that the token asks for.
        let token =
            decode::<AccessClaims>(token, key, validation).map_err(InvalidToken::Refused)?;
        Ok(token.claims)
    }

    /// What the request says of who asks: a Bearer token, else the cookie.
    fn credential<'a>(&'a self, headers: &'a HeaderMap) -> Option<Credential<'a>> {
        if has_bearer(headers) {
            let token = headers
                .get(header::AUTHORIZATION)?
                .to_str()
                .ok()?
                .split_once(' ')?
                .1
                .trim();
            return Some(if token.starts_with(API_TOKEN_PREFIX) {
                Credential::ApiToken(token)
            } else {
                Credential::Access(token)
            });
        }
        cookie(headers, &self.cookie_name)
            .next()
            .map(Credential::Access)
    }

    /// Whom the request names; whether that is a member is yet to be asked, in whatever query is made anyway.
    pub(crate) fn identify(&self, headers: &HeaderMap) -> Result<Asker, ApiError> {
        match self
            .credential(headers)
            .ok_or_else(ApiError::unauthenticated)?
        {
            Credential::Access(token) => match self.verify(token) {
                Ok(claims) => Ok(Asker::from(claims.sub)),
                Err(_invalid) => Err(ApiError::unauthenticated()),
            },
            Credential::ApiToken(token) => Ok(Asker {
                user: None,
                token: Some(hash_api_token(token)),
            }),
        }
    }
}

/// Whom a request names: a user, or the owner of an API token by its hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker {
    user: Option<UserId>,
    token: Option<[u8; 32]>,
}

impl Asker {
    pub(crate) fn user(&self) -> Option<String> {
        self.user.map(|user| user.to_string())
    }

    pub(crate) fn token(&self) -> Option<&[u8]> {
        self.token.as_ref().map(<[u8; 32]>::as_slice)
    }
}

impl From<UserId> for Asker {
    fn from(user: UserId) -> Self {
        Self {
            user: Some(user),
            token: None,
        }
    }
}

enum Credential<'a> {
    Access(&'a str),
    ApiToken(&'a str),
}

/// Whether the request carries `Authorization: Bearer`; then no cookie counts.
#[must_use]
pub fn has_bearer(headers: &HeaderMap) -> bool {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.as_bytes().get(..7))
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))
}

/// API tokens are stored so. They are random and long, so a plain hash is enough.
#[must_use]
pub fn hash_api_token(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Ed25519 or ES256 by the key's own kind; nothing else.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Some(Algorithm::EdDSA)
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            Some(Algorithm::ES256)
        }
        _ => None,
    }
}

/// The member who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user: UserId,
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    PgPool: FromRef<S>,
    Arc<Verifier>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let pool = PgPool::from_ref(state);
        let asker = Arc::<Verifier>::from_ref(state).identify(&parts.headers)?;
        let member = sqlx::query_scalar!(
            "select id from gk.member where id = coalesce($1, (select member from gk.api_token \
                 where hash = $2 and (expires_at is null or expires_at > now())))",
            asker.user(),
            asker.token()
        )
        .fetch_optional(&pool)
        .await?;
        // A member removed since the token was made is nobody.
        let user = member.ok_or_else(ApiError::unauthenticated)?;
        Ok(Self {
            user: user.parse().map_err(ApiError::internal)?,
        })
    }
}
