//! Signing in through the certified OpenID provider that stands in Google's place, over the whole stack. What a provider
//! could do wrong is in functions/auth/tests.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use reqwest::{Client, Response, StatusCode, header, redirect::Policy};
use testkit::shared;

/// A browser on the application's site. By hand, because HTTP libraries keep no Secure cookies of a loopback address, and
/// browsers do.
struct Browser {
    http: Client,
    origin: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    async fn send(&mut self, request: reqwest::RequestBuilder) -> anyhow::Result<Response> {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let response = request
            .header(header::COOKIE, cookies.join("; "))
            .send()
            .await?;
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let (pair, attributes) = cookie
                .to_str()?
                .split_once(';')
                .context("a cookie with attributes")?;
            let (name, value) = pair.split_once('=').context("a cookie with a name")?;
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(response)
    }

    async fn get(&mut self, url: &str) -> anyhow::Result<Response> {
        let request = self.http.get(url);
        self.send(request).await
    }

    async fn post(&mut self, path: &str) -> anyhow::Result<StatusCode> {
        let request = self
            .http
            .post(format!("{}/api/v1{path}", self.origin))
            .header(header::ORIGIN, &self.origin);
        Ok(self.send(request).await?.status())
    }

    async fn me(&mut self) -> anyhow::Result<Response> {
        let url = format!("{}/api/v1/me", self.origin);
        self.get(&url).await
    }
}

fn location(response: &Response) -> anyhow::Result<String> {
    let location = response
        .headers()
        .get(header::LOCATION)
        .with_context(|| format!("a redirect, not {}", response.status()))?;
    Ok(location.to_str()?.to_owned())
}

/// At the provider: the form is filled in, and its redirects are followed until one leads back.
async fn consent(away: &str, form: &[(&str, &str)], origin: &str) -> anyhow::Result<String> {
    let provider = Client::builder()
        .redirect(Policy::none())
        .cookie_store(true)
        .build()?;
    let mut url = reqwest::Url::parse(away)?;
    let mut response = provider.get(url.clone()).send().await?;
    for _ in 0..10 {
        if response.status().is_success() {
            response = provider.post(url.clone()).form(form).send().await?;
        }
        url = url.join(&location(&response)?)?;
        if url.as_str().starts_with(origin) {
            return Ok(url.into());
        }
        response = provider.get(url.clone()).send().await?;
    }
    anyhow::bail!("the provider never came back")
}

async fn browser() -> anyhow::Result<Browser> {
    Ok(Browser {
        http: Client::builder().redirect(Policy::none()).build()?,
        origin: shared().await.url()?,
        cookies: BTreeMap::new(),
    })
}

async fn to_callback(browser: &mut Browser, form: &[(&str, &str)]) -> anyhow::Result<String> {
    let url = format!("{}/api/v1/auth/sign-in?return_to=/datasets", browser.origin);
    let away = location(&browser.get(&url).await?)?;
    consent(&away, form, &browser.origin).await
}

#[tokio::test]
async fn somebody_signs_in_stays_signed_in_and_signs_out() -> anyhow::Result<()> {
    let mut browser = browser().await?;
    let callback = to_callback(&mut browser, &[("email", "ann@example.org")]).await?;
    let mut copy = browser.cookies.clone();
    assert_eq!(location(&browser.get(&callback).await?)?, "/datasets");
    let me: serde_json::Value = browser.me().await?.json().await?;
    assert_eq!(me["email"], "ann@example.org");

    // The same callback again, as the same browser was before.
    std::mem::swap(&mut browser.cookies, &mut copy);
    assert_eq!(
        location(&browser.get(&callback).await?)?,
        "/sign-in?error=expired"
    );
    std::mem::swap(&mut browser.cookies, &mut copy);

    assert_eq!(browser.post("/auth/refresh").await?, StatusCode::NO_CONTENT);
    ensure!(browser.me().await?.status() == StatusCode::OK);
    assert_eq!(
        browser.post("/auth/sign-out").await?,
        StatusCode::NO_CONTENT
    );
    assert_eq!(browser.me().await?.status(), StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn who_cancels_at_the_provider_comes_back_to_the_sign_in_page() -> anyhow::Result<()> {
    let mut browser = browser().await?;
    let callback = to_callback(&mut browser, &[("cancel", "1")]).await?;
    assert_eq!(
        location(&browser.get(&callback).await?)?,
        "/sign-in?error=denied"
    );
    assert_eq!(browser.me().await?.status(), StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn the_first_sign_in_finds_the_member_that_the_command_line_made() -> anyhow::Result<()> {
    let made: serde_json::Value = shared()
        .await
        .user("made@example.org")?
        .get("/me")
        .await?
        .body;
    let mut browser = browser().await?;
    let callback = to_callback(&mut browser, &[("email", "made@example.org")]).await?;
    browser.get(&callback).await?;
    let me: serde_json::Value = browser.me().await?.json().await?;
    assert_eq!(me["id"], made["id"]);
    Ok(())
}
