//! The three cookies of identity. None is readable by scripts; each goes no further than it must.

use std::time::Duration;

use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use platform::http::{ACCESS_COOKIE, REFRESH_COOKIE, cookie};

/// Binds a sign-in to the browser that began it.
const SIGN_IN_COOKIE: &str = "__Secure-gridkeep-signin";
const AUTH_PATH: &str = "/api/v1/auth";

/// Names the cookies of this deployment.
#[derive(Clone, Debug)]
pub(crate) struct Cookies {
    access: String,
    refresh: String,
    sign_in: String,
}

impl Cookies {
    pub(crate) fn new(suffix: &str) -> Self {
        Self {
            access: format!("{ACCESS_COOKIE}{suffix}"),
            refresh: format!("{REFRESH_COOKIE}{suffix}"),
            sign_in: format!("{SIGN_IN_COOKIE}{suffix}"),
        }
    }

    pub(crate) fn refresh_of<'a>(&'a self, headers: &'a HeaderMap) -> Option<&'a str> {
        cookie(headers, &self.refresh).next()
    }

    pub(crate) fn sign_in_of<'a>(&'a self, headers: &'a HeaderMap) -> Option<&'a str> {
        cookie(headers, &self.sign_in).next()
    }

    /// Lax: a link from a mail opens the application signed in.
    pub(crate) fn set_access(&self, response: &mut Response, token: &str, age: Duration) {
        set(response, &self.access, token, "/", "Lax", age);
    }

    /// Strict: only our own page ever refreshes.
    pub(crate) fn set_refresh(&self, response: &mut Response, token: &str, age: Duration) {
        set(response, &self.refresh, token, AUTH_PATH, "Strict", age);
    }

    /// Lax: the provider's redirect back comes from another site.
    pub(crate) fn set_sign_in(&self, response: &mut Response, value: &str, age: Duration) {
        set(response, &self.sign_in, value, AUTH_PATH, "Lax", age);
    }

    pub(crate) fn clear_session(&self, response: &mut Response) {
        self.set_access(response, "", Duration::ZERO);
        self.set_refresh(response, "", Duration::ZERO);
    }
}

fn set(
    response: &mut Response,
    name: &str,
    value: &str,
    path: &str,
    same_site: &str,
    age: Duration,
) {
    let age = age.as_secs();
    let text = format!(
        "{name}={value}; Path={path}; Max-Age={age}; HttpOnly; Secure; SameSite={same_site}"
    );
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
