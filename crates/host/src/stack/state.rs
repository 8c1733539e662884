//! What a stack made up at its first start and keeps for ever: its secrets and its private ports. From it come the settings
//! of the roles ([`super::settings`]) and the configurations of the servers (`crate::servers`).

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, TcpListener},
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::{Rng as _, RngCore as _};
use serde::{Deserialize, Serialize};

use super::folder::{Folder, write_whole};

/// Below the range from which the system takes ports for outgoing connections: there, a client that retries a server that
/// is down may get the server's own port and talk to itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Names among the ports that are no server's and no role's: the one that people use, and the S3 protocol's.
pub const PUBLIC: &str = "public";
pub const S3: &str = "s3";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// Tells this stack from an earlier one in the same folder.
    pub id: String,
    pub postgres_password: String,
    pub redis_password: String,
    pub s3_access_key: String,
    pub s3_secret_key: String,
    pub oidc_client_secret: String,
    pub oidc_cookie_key: String,
    /// PEM, Ed25519; functions/auth signs with it.
    pub signing_key: String,
    pub signing_kid: String,
    /// The public half, as the JWK set that every function gets.
    pub jwks: String,
    /// By server or role.
    pub ports: BTreeMap<String, u16>,
}

impl State {
    /// The stack's state, made up and written down if this is its first start.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn open(folder: &Folder) -> anyhow::Result<Self> {
        let path = folder.join("state.json");
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is damaged", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let state = Self::make_up()?;
                state.save(folder)?;
                Ok(state)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, folder: &Folder) -> anyhow::Result<()> {
        write_whole(
            &folder.join("state.json"),
            &serde_json::to_vec_pretty(self)?,
            true,
        )
    }

    /// The port of a server or role; a new one when it has none.
    ///
    /// # Errors
    /// When no port is free.
    pub fn port(&mut self, name: &str) -> anyhow::Result<u16> {
        match self.ports.get(name) {
            Some(port) => Ok(*port),
            None => self.new_port(name),
        }
    }

    /// Another port for `name`: its own was taken by somebody else meanwhile.
    ///
    /// # Errors
    /// When no port is free.
    pub fn new_port(&mut self, name: &str) -> anyhow::Result<u16> {
        let mut random = rand::rng();
        let port = (0..200)
            .map(|_| random.random_range(PORTS))
            .find(|port| !self.ports.values().any(|taken| taken == port) && is_free(*port))
            .context("no free port on the loopback address")?;
        self.ports.insert(name.to_owned(), port);
        Ok(port)
    }

    /// Where people and programs find the stack.
    #[must_use]
    pub fn public_url(&self) -> String {
        format!(
            "http://localhost:{}",
            self.ports.get(PUBLIC).copied().unwrap_or(8080)
        )
    }

    fn make_up() -> anyhow::Result<Self> {
        let mut seed = [0; 32];
        rand::rng().fill_bytes(&mut seed);
        let key = signing_key(&seed)?;
        Ok(Self {
            id: secret(8),
            postgres_password: secret(24),
            redis_password: secret(24),
            s3_access_key: format!("GK{}", secret(9).to_uppercase()),
            s3_secret_key: secret(30),
            oidc_client_secret: secret(24),
            oidc_cookie_key: secret(24),
            signing_key: key.pem,
            signing_kid: key.kid,
            jwks: key.jwks,
            ports: BTreeMap::new(),
        })
    }
}

/// Whether nobody listens on the port.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Random, in letters that no URL, file or shell treats as special.
fn secret(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    rand::rng().fill_bytes(&mut random);
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct SigningKey {
    pem: String,
    kid: String,
    jwks: String,
}

/// PKCS#8 of RFC 8410 around the seed, and its public half as RFC 8037 writes it.
fn signing_key(seed: &[u8; 32]) -> anyhow::Result<SigningKey> {
    use ring::signature::{Ed25519KeyPair, KeyPair as _};
    const HEADER: [u8; 16] = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    let pair = Ed25519KeyPair::from_seed_unchecked(seed)
        .map_err(|error| anyhow::anyhow!("cannot make a signing key: {error}"))?;
    let public = URL_SAFE_NO_PAD.encode(pair.public_key());
    let der = [HEADER.as_slice(), seed].concat();
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let kid = public
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(12)
        .collect::<String>();
    let jwks = serde_json::json!({"keys": [
        {"kty": "OKP", "crv": "Ed25519", "x": public, "kid": kid, "alg": "EdDSA", "use": "sig"}
    ]});
    Ok(SigningKey {
        pem: format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"),
        kid,
        jwks: jwks.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, jwk::JwkSet};

    use super::*;

    #[test]
    fn what_the_signing_key_signs_its_public_half_verifies() {
        let state = State::make_up().unwrap();
        let key = EncodingKey::from_ed_pem(state.signing_key.as_bytes()).unwrap();
        let claims = serde_json::json!({"sub": "usr_1", "exp": 4_000_000_000_i64});
        let token = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &key).unwrap();
        let keys: JwkSet = serde_json::from_str(&state.jwks).unwrap();
        let public = DecodingKey::from_jwk(keys.find(&state.signing_kid).unwrap()).unwrap();
        let read = jsonwebtoken::decode::<serde_json::Value>(
            &token,
            &public,
            &Validation::new(Algorithm::EdDSA),
        )
        .unwrap();
        assert_eq!(read.claims["sub"], "usr_1");
    }

    #[test]
    fn a_name_keeps_its_port_until_a_new_one_is_asked_for() {
        let mut state = State::make_up().unwrap();
        let port = state.port("nats").unwrap();
        assert_eq!(state.port("nats").unwrap(), port);
        assert_ne!(state.port("redis").unwrap(), port);
        assert_ne!(state.new_port("nats").unwrap(), port);
    }
}
