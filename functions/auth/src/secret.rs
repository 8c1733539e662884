//! Secrets that we hand out and keep only the hash of: session tokens, sign-in states, API tokens. 256 random bits, so a
//! plain hash cannot be guessed back.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// 43 characters that are safe in URLs and cookies.
pub(crate) fn generate() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// What is stored instead.
pub(crate) fn hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret))
}
