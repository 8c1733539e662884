//! Extractors that answer bad input with a problem which names the place: [`Json`] by JSON pointer, [`Query`] and [`Path`] by
//! parameter.

use axum::{
    extract::{
        FromRequest, FromRequestParts, RawPathParams, Request, path::ErrorKind,
        rejection::PathRejection,
    },
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use contracts::Code;
use http::{HeaderMap, StatusCode, header, request::Parts};
use serde::{Serialize, de::DeserializeOwned};
use serde_path_to_error::{Segment, Track};

use super::ApiError;

/// A JSON body, in or out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json<T>(pub T);

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(contracts::Problem::new(
                Code::Validation,
                "The body must be JSON: send Content-Type: application/json.",
            )
            .at("Content-Type")
            .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE.as_u16())
            .into());
        }
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| {
                if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    too_large()
                } else {
                    ApiError::validation("", "The body broke off before its end.")
                }
            })?;
        parse(&body).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => ApiError::internal(error).into_response(),
        }
    }
}

pub(super) fn too_large() -> ApiError {
    ApiError::new(
        Code::TooLarge,
        "The body is longer than this address takes. Send less at a time.",
    )
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|kind| kind.trim().to_ascii_lowercase())
        .is_some_and(|kind| {
            kind == "application/json"
                || (kind.starts_with("application/") && kind.ends_with("+json"))
        })
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut track = Track::new();
    let value = T::deserialize(serde_path_to_error::Deserializer::new(
        &mut json, &mut track,
    ))
    .map_err(|error| {
        ApiError::validation(
            pointer(&track.path()),
            format!("The body does not fit: {error}."),
        )
    })?;
    json.end().map_err(|error| {
        ApiError::validation("", format!("After the JSON there is more: {error}."))
    })?;
    Ok(value)
}

/// RFC 6901.
fn pointer(path: &serde_path_to_error::Path) -> String {
    path.iter().fold(String::new(), |mut pointer, segment| {
        let key = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                key.replace('~', "~0").replace('/', "~1")
            }
            Segment::Unknown => return pointer,
        };
        pointer.push('/');
        pointer.push_str(&key);
        pointer
    })
}

/// The query string's parameters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<T>(pub T);

impl<T, S> FromRequestParts<S> for Query<T>
where
    T: DeserializeOwned,
    S: Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let pairs = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let mut track = Track::new();
        let query = serde_path_to_error::Deserializer::new(
            serde_urlencoded::Deserializer::new(pairs),
            &mut track,
        );
        T::deserialize(query).map(Self).map_err(|error| {
            let name = track.path().to_string();
            let name = if name == "." { String::new() } else { name };
            ApiError::validation(name, format!("The query does not fit: {error}."))
        })
    }
}

/// The path's parameters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Path<T>(pub T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let PathRejection::FailedToDeserializePathParams(error) =
            (match axum::extract::Path::<T>::from_request_parts(parts, state).await {
                Ok(axum::extract::Path(value)) => return Ok(Self(value)),
                Err(rejection) => rejection,
            })
        else {
            return Err(ApiError::internal(
                "a route without the path parameters that its handler wants",
            ));
        };
        let (pointer, reason) = match error.into_kind() {
            ErrorKind::ParseErrorAtKey {
                key, expected_type, ..
            } => (key, format!("expected {expected_type}")),
            ErrorKind::DeserializeError { key, message, .. } => (key, message),
            ErrorKind::InvalidUtf8InPathParam { key } => (key, "not UTF-8".to_owned()),
            ErrorKind::ParseErrorAtIndex {
                index,
                expected_type,
                ..
            } => (index.to_string(), format!("expected {expected_type}")),
            ErrorKind::ParseError { expected_type, .. } => {
                (String::new(), format!("expected {expected_type}"))
            }
            ErrorKind::Message(message) => (String::new(), message),
            other => return Err(ApiError::internal(other.to_string())),
        };
        // A route's only parameter is read as itself, without its name.
        let pointer = match RawPathParams::from_request_parts(parts, state).await {
            Ok(params) if pointer.is_empty() => params
                .iter()
                .next()
                .map_or(pointer, |(name, _)| name.to_owned()),
            _ => pointer,
        };
        Err(ApiError::validation(
            pointer,
            format!("The address does not fit: {reason}."),
        ))
    }
}
