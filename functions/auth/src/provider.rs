//! The OpenID provider: where to send people, and what it says of who came back. Asked lazily, so that the provider being
//! down breaks only sign-in.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use openidconnect::{
    AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError,
    Scope, TokenResponse,
    core::{
        CoreClient, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreResponseType,
        CoreUserInfoClaims,
    },
    reqwest,
};
use platform::config::ConfigError;
use secrecy::{ExposeSecret, SecretString};

use crate::{AuthError, Config};

/// The discovery document and the provider's keys are asked for again after this long,
const KEPT: Duration = Duration::from_secs(3600);
/// or at once, when a signature does not hold and they are older than this: the provider may have new keys.
const RENEWED: Duration = Duration::from_secs(60);

/// One provider, and us as its client.
#[derive(Debug)]
pub(crate) struct Provider {
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: SecretString,
    redirect: RedirectUrl,
    http: reqwest::Client,
    known: RwLock<Option<(Instant, Arc<CoreProviderMetadata>)>>,
}

/// A sign-in that was begun: where to send the browser, and what to remember until it comes back.
pub(crate) struct Begun {
    pub(crate) url: String,
    pub(crate) nonce: String,
    pub(crate) verifier: String,
}

/// Who somebody is, by the provider's word.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) email: Option<String>,
    pub(crate) email_verified: bool,
    pub(crate) name: Option<String>,
}

impl Provider {
    pub(crate) fn new(config: &Config) -> Result<Self, ConfigError> {
        let invalid = |error: openidconnect::url::ParseError| {
            ConfigError::invalid("GRIDKEEP_OIDC_ISSUER", error)
        };
        Ok(Self {
            issuer: IssuerUrl::new(config.issuer.clone()).map_err(invalid)?,
            client_id: ClientId::new(config.client_id.clone()),
            client_secret: config.client_secret.clone(),
            redirect: RedirectUrl::new(format!("{}/api/v1/auth/callback", config.origin))
                .map_err(invalid)?,
            http: reqwest::Client::builder()
                // A redirect could send the client's secret elsewhere.
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(Duration::from_secs(3))
                .timeout(Duration::from_secs(5))
                .build()
                .map_err(|error| ConfigError::invalid("GRIDKEEP_OIDC_ISSUER", error))?,
            known: RwLock::new(None),
        })
    }

    /// Begins a sign-in under `state`.
    pub(crate) async fn begin(&self, state: String) -> Result<Begun, AuthError> {
        let metadata = self.metadata(KEPT).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, _state, nonce) = self
            .client(&metadata)
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                || CsrfToken::new(state),
                Nonce::new_random,
            )
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        Ok(Begun {
            url: url.to_string(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
        })
    }

    /// Trades the code for an ID token and checks it: signature, issuer, audience, expiry and nonce.
    pub(crate) async fn identify(
        &self,
        code: String,
        verifier: String,
        nonce: String,
    ) -> Result<Identity, AuthError> {
        let metadata = self.metadata(KEPT).await?;
        let client = self.client(&metadata);
        let token = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(refused)?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&self.http)
            .await
            .map_err(|error| match error {
                RequestTokenError::Request(_) => unreachable(error),
                RequestTokenError::ServerResponse(_)
                | RequestTokenError::Parse(..)
                | RequestTokenError::Other(_) => refused(error),
            })?;
        let id_token = token
            .id_token()
            .ok_or_else(|| refused("there is no ID token in the answer"))?;
        let nonce = Nonce::new(nonce);
        let claims = match id_token.claims(&verifier_of(&client, &metadata), &nonce) {
            Ok(claims) => claims.clone(),
            Err(openidconnect::ClaimsVerificationError::SignatureVerification(_)) => {
                let metadata = self.metadata(RENEWED).await?;
                let client = self.client(&metadata);
                id_token
                    .claims(&verifier_of(&client, &metadata), &nonce)
                    .map_err(refused)?
                    .clone()
            }
            Err(error) => return Err(refused(error)),
        };
        let mut identity = Identity {
            issuer: claims.issuer().to_string(),
            subject: claims.subject().to_string(),
            email: claims.email().map(|email| email.to_string()),
            email_verified: claims.email_verified().unwrap_or(false),
            name: claims
                .name()
                .and_then(|name| name.get(None))
                .map(|name| name.to_string()),
        };
        if identity.email.is_none() {
            // Some providers keep the ID token small.
            let more: CoreUserInfoClaims = client
                .user_info(token.access_token().clone(), Some(claims.subject().clone()))
                .map_err(refused)?
                .request_async(&self.http)
                .await
                .map_err(refused)?;
            identity.email = more.email().map(|email| email.to_string());
            identity.email_verified = more.email_verified().unwrap_or(false);
            identity.name = more
                .name()
                .and_then(|name| name.get(None))
                .map(|name| name.to_string());
        }
        Ok(identity)
    }

    /// The discovery document with its keys, at most `age` old.
    async fn metadata(&self, age: Duration) -> Result<Arc<CoreProviderMetadata>, AuthError> {
        let known = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some((at, metadata)) = known
            && at.elapsed() < age
        {
            return Ok(metadata);
        }
        let metadata = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http)
            .await
            .map_err(unreachable)?;
        let metadata = Arc::new(metadata);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), Arc::clone(&metadata)));
        Ok(metadata)
    }

    fn client(&self, metadata: &CoreProviderMetadata) -> Client {
        let secret = ClientSecret::new(self.client_secret.expose_secret().to_owned());
        CoreClient::from_provider_metadata(metadata.clone(), self.client_id.clone(), Some(secret))
            .set_redirect_uri(self.redirect.clone())
    }
}

type Client = CoreClient<
    openidconnect::EndpointSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointMaybeSet,
    openidconnect::EndpointMaybeSet,
>;

/// Public-key signatures only: with HS256 the client's secret would sign, with `none` anybody.
fn verifier_of<'a>(
    client: &'a Client,
    metadata: &CoreProviderMetadata,
) -> openidconnect::core::CoreIdTokenVerifier<'a> {
    const TAKEN: [CoreJwsSigningAlgorithm; 3] = [
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        CoreJwsSigningAlgorithm::EdDsa,
    ];
    let offered = metadata.id_token_signing_alg_values_supported();
    client.id_token_verifier().set_allowed_algs(
        TAKEN
            .into_iter()
            .filter(|algorithm| offered.contains(algorithm)),
    )
}

fn refused(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> AuthError {
    AuthError::Identity(error.into())
}

fn unreachable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> AuthError {
    AuthError::Provider(error.into())
}
