//! The key that signs access tokens, and its public half for everybody else.

use std::{fmt, time::Duration};

use axum::extract::State;
use base64::{Engine, engine::general_purpose::STANDARD};
use contracts::{UserId, auth::AccessClaims};
use jiff::Timestamp;
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode,
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use platform::{config::ConfigError, http::Json};
use secrecy::{ExposeSecret, SecretString};

use crate::{App, AuthError, Config};

/// How long an access token lasts. A revoked member is out at once all the same: membership is asked on every request.
pub const ACCESS_TOKEN: Duration = Duration::from_secs(600);

/// Signs access tokens.
pub(crate) struct Signer {
    key: EncodingKey,
    header: Header,
    origin: String,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("kid", &self.header.kid)
            .finish_non_exhaustive()
    }
}

impl Signer {
    pub(crate) fn new(config: &Config) -> Result<Self, ConfigError> {
        let pem = config.signing_key.expose_secret().as_bytes();
        let (key, algorithm) = EncodingKey::from_ed_pem(pem)
            .map(|key| (key, Algorithm::EdDSA))
            .or_else(|_| EncodingKey::from_ec_pem(pem).map(|key| (key, Algorithm::ES256)))
            .map_err(|_| {
                ConfigError::invalid(
                    "GRIDKEEP_SIGNING_KEY",
                    "not a PKCS#8 PEM of an Ed25519 or P-256 key",
                )
            })?;
        let mut header = Header::new(algorithm);
        header.kid = Some(config.signing_kid.clone());
        Ok(Self {
            key,
            header,
            origin: config.origin.clone(),
        })
    }

    pub(crate) fn sign(&self, user: UserId, lasts: Duration) -> Result<String, AuthError> {
        let iat = Timestamp::now().as_second();
        let claims = AccessClaims {
            iss: self.origin.clone(),
            aud: self.origin.clone(),
            sub: user,
            iat,
            exp: iat.saturating_add_unsigned(lasts.as_secs()),
        };
        Ok(encode(&self.header, &claims, &self.key)?)
    }
}

/// A new signing key, as the settings want it.
#[derive(Debug)]
pub struct SigningKey {
    /// `GRIDKEEP_SIGNING_KEY`
    pub pem: SecretString,
    /// `GRIDKEEP_SIGNING_KID`
    pub kid: String,
    /// `GRIDKEEP_JWKS`
    pub jwks: String,
}

/// Makes an Ed25519 key, for a stack that has none yet.
///
/// # Errors
/// When the public half cannot be computed.
pub fn generate() -> Result<SigningKey, AuthError> {
    // PKCS#8 of an Ed25519 key (RFC 8410) is this header and 32 random bytes.
    const HEADER: [u8; 16] = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    let der = [HEADER.as_slice(), &rand::random::<[u8; 32]>()].concat();
    let mut jwk = Jwk::from_encoding_key(&EncodingKey::from_ed_der(&der), Algorithm::EdDSA)?;
    let kid: String = jwk
        .thumbprint(ThumbprintHash::SHA256)?
        .chars()
        .take(16)
        .collect();
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    let jwks = serde_json::to_string(&JwkSet { keys: vec![jwk] })
        .map_err(jsonwebtoken::errors::Error::from)?;
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der)
    );
    Ok(SigningKey {
        pem: pem.into(),
        kid,
        jwks,
    })
}

/// The public keys that access tokens are checked with.
#[utoipa::path(
    get, path = "/api/v1/auth/jwks.json", tag = "identity",
    responses((status = 200, description = "JSON Web Key Set (RFC 7517)", body = Object))
)]
pub(crate) async fn list_keys(
    State(App(deps)): State<App>,
) -> Result<Json<serde_json::Value>, platform::http::ApiError> {
    serde_json::from_str(&deps.config.jwks)
        .map(Json)
        .map_err(platform::http::ApiError::internal)
}
