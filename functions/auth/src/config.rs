//! What identity needs to know of the deployment.

use std::time::Duration;

use platform::config::{ConfigError, Settings};
use secrecy::SecretString;

/// Read once at start; a half-set configuration fails there.
#[derive(Clone, Debug)]
pub struct Config {
    /// `GRIDKEEP_PUBLIC_URL`: origin of page and API, issuer and audience of our tokens.
    pub origin: String,
    /// `GRIDKEEP_PG_URL`
    pub pg_url: SecretString,
    /// `GRIDKEEP_PG_CONNECTIONS`: size of the pool (4).
    pub pg_connections: u32,
    /// `GRIDKEEP_MONGO_URL`, the database in its path.
    pub mongo_url: SecretString,
    /// `GRIDKEEP_OIDC_ISSUER`: `https://accounts.google.com`, or another OpenID provider.
    pub issuer: String,
    /// `GRIDKEEP_OIDC_CLIENT_ID`
    pub client_id: String,
    /// `GRIDKEEP_OIDC_CLIENT_SECRET`
    pub client_secret: SecretString,
    /// `GRIDKEEP_SIGNING_KEY`: private key (PKCS#8 PEM), Ed25519 or P-256.
    pub signing_key: SecretString,
    /// `GRIDKEEP_SIGNING_KID`: the name of its public half in `jwks`.
    pub signing_kid: String,
    /// `GRIDKEEP_JWKS`: public keys of tokens that count.
    pub jwks: String,
    /// `GRIDKEEP_COOKIE_SUFFIX`: keeps two stacks on one host apart (`-8080`).
    pub cookie_suffix: String,
    /// `GRIDKEEP_ALLOWED_DOMAINS` and `GRIDKEEP_ALLOWED_EMAILS`, lower case: who may sign in; everybody when both are empty.
    pub allowed_domains: Vec<String>,
    pub allowed_emails: Vec<String>,
    /// `GRIDKEEP_SESSION_DAYS`: how long a sign-in lasts (30).
    pub session: Duration,
    /// `GRIDKEEP_REFRESH_OVERLAP_SECONDS`: how long a refresh token works on after its successor was made (30).
    pub overlap: Duration,
}

impl Config {
    /// # Errors
    /// When a setting is missing or not valid.
    pub fn from(settings: &Settings) -> Result<Self, ConfigError> {
        const DAYS: &str = "GRIDKEEP_SESSION_DAYS";
        let days: u64 = settings.parse_or(DAYS, 30)?;
        if !(1..=365).contains(&days) {
            return Err(ConfigError::invalid(DAYS, "expected 1 to 365"));
        }
        let lower = |name| {
            settings
                .list(name)
                .iter()
                .map(|one| one.to_lowercase())
                .collect::<Vec<_>>()
        };
        Ok(Self {
            origin: settings.public_origin()?,
            pg_url: settings.secret("GRIDKEEP_PG_URL")?,
            pg_connections: settings.parse_or("GRIDKEEP_PG_CONNECTIONS", 4)?,
            mongo_url: settings.secret("GRIDKEEP_MONGO_URL")?,
            issuer: settings.required("GRIDKEEP_OIDC_ISSUER")?.to_owned(),
            client_id: settings.required("GRIDKEEP_OIDC_CLIENT_ID")?.to_owned(),
            client_secret: settings.secret("GRIDKEEP_OIDC_CLIENT_SECRET")?,
            signing_key: settings.secret("GRIDKEEP_SIGNING_KEY")?,
            signing_kid: settings.required("GRIDKEEP_SIGNING_KID")?.to_owned(),
            jwks: settings.required("GRIDKEEP_JWKS")?.to_owned(),
            cookie_suffix: settings
                .optional("GRIDKEEP_COOKIE_SUFFIX")
                .unwrap_or_default()
                .to_owned(),
            allowed_domains: lower("GRIDKEEP_ALLOWED_DOMAINS"),
            allowed_emails: lower("GRIDKEEP_ALLOWED_EMAILS"),
            session: Duration::from_secs(days * 24 * 60 * 60),
            overlap: Duration::from_secs(
                settings.parse_or("GRIDKEEP_REFRESH_OVERLAP_SECONDS", 30)?,
            ),
        })
    }

    /// Whether sign-in is limited at all.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        !(self.allowed_domains.is_empty() && self.allowed_emails.is_empty())
    }

    /// Whether the address may sign in.
    #[must_use]
    pub fn allows(&self, email: &str) -> bool {
        let email = email.to_lowercase();
        let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
        !self.is_limited()
            || self.allowed_emails.contains(&email)
            || self.allowed_domains.iter().any(|allowed| allowed == domain)
    }
}
