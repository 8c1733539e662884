//! Signing in, staying signed in, and who the members are, over real PostgreSQL and a real server of MongoDB's protocol.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use http::{Method, StatusCode, header};
use secrecy::ExposeSecret;
use support::{ACCESS, Deployment, ORIGIN, Person, REFRESH, json, location};

fn ann() -> Person {
    Person::new("1", "Ann@example.org")
}

#[tokio::test]
async fn a_first_sign_in_makes_a_member_and_the_second_finds_them_again() {
    let deployment = Deployment::start().await;
    let mut browser = deployment.browser();
    let away = location(
        &browser
            .get("/api/v1/auth/sign-in?return_to=/datasets%3Fq%3Da")
            .await,
    );
    let callback = deployment.provider.authorize(&away, &ann());
    let response = browser.get(&callback).await;
    assert_eq!(location(&response), "/datasets?q=a");
    let cookies: Vec<_> = response
        .headers()
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|c| c.to_str().unwrap())
        .collect();
    assert!(
        cookies.iter().any(|c| c.starts_with(ACCESS)
            && c.contains("; Path=/;")
            && c.contains("SameSite=Lax"))
    );
    assert!(cookies.iter().any(|c| c.starts_with(REFRESH)
        && c.contains("; Path=/api/v1/auth;")
        && c.contains("SameSite=Strict")));

    let first = json(browser.me().await).await;
    assert_eq!(first["email"], "Ann@example.org");
    assert_eq!(first["name"], "Person 1");
    let second = json(deployment.signed_in(&ann()).await.me().await).await;
    assert_eq!(first, second);
}

#[tokio::test]
async fn two_first_sign_ins_at_once_make_one_user() {
    let deployment = Deployment::start().await;
    let (mut one, mut two) = (deployment.browser(), deployment.browser());
    let (a, b) = (
        deployment.to_callback(&mut one, &ann()).await,
        deployment.to_callback(&mut two, &ann()).await,
    );
    let (a, b) = tokio::join!(one.get(&a), two.get(&b));
    assert_eq!((location(&a).as_str(), location(&b).as_str()), ("/", "/"));
    assert_eq!(json(one.me().await).await, json(two.me().await).await);
}

#[tokio::test]
async fn a_callback_with_another_state_or_in_another_browser_signs_nobody_in() {
    let deployment = Deployment::start().await;
    let mut browser = deployment.browser();
    let callback = deployment.to_callback(&mut browser, &ann()).await;
    let (start, state) = callback.split_once("&state=").unwrap();
    let forged = format!("{start}&state={}", state.chars().rev().collect::<String>());
    assert_eq!(
        location(&browser.get(&forged).await),
        "/sign-in?error=expired"
    );
    assert_eq!(
        location(&deployment.browser().get(&callback).await),
        "/sign-in?error=expired"
    );
    assert_eq!(
        location(&browser.get(start).await),
        "/sign-in?error=expired"
    );
    assert!(!browser.cookies.contains_key(ACCESS));
    // None of that used the attempt up.
    assert_eq!(location(&browser.get(&callback).await), "/");
}

#[tokio::test]
async fn a_callback_works_once() {
    let deployment = Deployment::start().await;
    let mut browser = deployment.browser();
    let callback = deployment.to_callback(&mut browser, &ann()).await;
    let mut copy = browser.clone();
    assert_eq!(location(&browser.get(&callback).await), "/");
    assert_eq!(
        location(&copy.get(&callback).await),
        "/sign-in?error=expired"
    );
    assert!(!copy.cookies.contains_key(ACCESS));
}

#[tokio::test]
async fn the_providers_refusals_and_wrong_answers_become_a_page() {
    let deployment = Deployment::start().await;
    for (said, shown) in [
        ("access_denied", "denied"),
        ("temporarily_unavailable", "unavailable"),
        ("login_required", "failed"),
    ] {
        let mut browser = deployment.browser();
        let callback = deployment.to_callback(&mut browser, &ann()).await;
        let state = callback.split_once("&state=").unwrap().1;
        let refused = format!("/api/v1/auth/callback?error={said}&state={state}");
        assert_eq!(
            location(&browser.get(&refused).await),
            format!("/sign-in?error={shown}")
        );
    }
    let mut browser = deployment.browser();
    let replayed = Person {
        nonce: Some("another".to_owned()),
        ..ann()
    };
    assert_eq!(
        deployment.sign_in(&mut browser, &replayed).await,
        "/sign-in?error=failed"
    );
    assert!(!browser.cookies.contains_key(ACCESS));
}

#[tokio::test]
async fn a_provider_that_is_down_is_unavailable_and_a_person_sees_a_page() {
    let deployment = Deployment::with(&[("GRIDKEEP_OIDC_ISSUER", "http://127.0.0.1:9")]).await;
    let response = deployment.browser().get("/api/v1/auth/sign-in").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let problem = json(response).await;
    assert_eq!(problem["code"], "unavailable");
    assert!(!problem.to_string().contains("127.0.0.1"));
    let mut person = deployment.browser();
    person.accept = "text/html,*/*;q=0.8";
    assert_eq!(
        location(&person.get("/api/v1/auth/sign-in").await),
        "/sign-in?error=unavailable"
    );
}

#[tokio::test]
async fn after_the_sign_in_nobody_is_sent_out_of_the_application() {
    let deployment = Deployment::start().await;
    for outside in [
        "//evil.example",
        "https://evil.example",
        "/%5Cevil.example",
        "/%09/evil.example",
        "evil",
    ] {
        let response = deployment
            .browser()
            .get(&format!("/api/v1/auth/sign-in?return_to={outside}"))
            .await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{outside}");
        assert_eq!(json(response).await["pointer"], "return_to");
    }
}

#[tokio::test]
async fn only_allowed_domains_and_emails_sign_in_and_only_with_a_checked_address() {
    let deployment = Deployment::with(&[
        ("GRIDKEEP_ALLOWED_DOMAINS", "example.org"),
        ("GRIDKEEP_ALLOWED_EMAILS", "guest@example.com"),
    ])
    .await;
    for (person, end) in [
        (ann(), "/"),
        (Person::new("2", "guest@example.com"), "/"),
        (
            Person::new("3", "other@example.com"),
            "/sign-in?error=not_allowed",
        ),
        (
            Person::new("4", "eve@sub.example.org"),
            "/sign-in?error=not_allowed",
        ),
        (
            Person::new("5", "eve@example.org@evil.example"),
            "/sign-in?error=not_allowed",
        ),
        (
            Person {
                verified: false,
                ..Person::new("6", "bob@example.org")
            },
            "/sign-in?error=unverified",
        ),
    ] {
        let mut browser = deployment.browser();
        assert_eq!(
            deployment.sign_in(&mut browser, &person).await,
            end,
            "{}",
            person.email
        );
        assert_eq!(browser.cookies.contains_key(ACCESS), end == "/");
    }
}

#[tokio::test]
async fn a_user_made_for_an_address_is_bound_by_the_first_checked_sign_in_and_by_no_other() {
    let deployment = Deployment::start().await;
    let (mongo, pool) = (&deployment.deps.mongo, &deployment.deps.pool);
    let made = auth::members::create(mongo, pool, "ann@example.org")
        .await
        .unwrap();
    assert_eq!(
        auth::members::create(mongo, pool, "ANN@example.org")
            .await
            .unwrap(),
        made
    );

    let unchecked = Person {
        verified: false,
        ..Person::new("9", "ann@example.org")
    };
    let stranger = json(deployment.signed_in(&unchecked).await.me().await).await;
    assert_ne!(stranger["id"], made.to_string());
    let owner = json(deployment.signed_in(&ann()).await.me().await).await;
    assert_eq!(owner["id"], made.to_string());
    // The address went to a new colleague: another subject of the same issuer is another person.
    let successor = json(
        deployment
            .signed_in(&Person::new("8", "ann@example.org"))
            .await
            .me()
            .await,
    )
    .await;
    assert_ne!(successor["id"], made.to_string());
    assert_eq!(
        auth::members::find(mongo, pool, "ann@example.org")
            .await
            .unwrap(),
        Some(made)
    );
    assert_eq!(
        auth::members::find(mongo, pool, "nobody@example.org")
            .await
            .unwrap(),
        None
    );
    assert!(
        auth::members::create(mongo, pool, "no address")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn an_address_made_many_times_at_once_is_one_member() {
    let deployment = Deployment::start().await;
    let (mongo, pool) = (&deployment.deps.mongo, &deployment.deps.pool);
    let made = futures::future::join_all(
        (0..8).map(|_| auth::members::create(mongo, pool, "new@example.org")),
    )
    .await;
    let first = made[0].as_ref().unwrap();
    assert!(made.iter().all(|one| one.as_ref().unwrap() == first));
}

#[tokio::test]
async fn a_refresh_replaces_both_tokens() {
    let deployment = Deployment::start().await;
    let mut browser = deployment.signed_in(&ann()).await;
    let before = browser.cookies[REFRESH].clone();
    browser.cookies.remove(ACCESS);
    assert_eq!(browser.me().await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        browser.post("/api/v1/auth/refresh").await.status(),
        StatusCode::NO_CONTENT
    );
    assert_ne!(browser.cookies[REFRESH], before);
    assert_eq!(browser.me().await.status(), StatusCode::OK);
}

#[tokio::test]
async fn two_tabs_that_refresh_at_once_both_stay_signed_in() {
    let deployment = Deployment::start().await;
    let mut one = deployment.signed_in(&ann()).await;
    let mut two = one.clone();
    let (a, b) = tokio::join!(
        one.post("/api/v1/auth/refresh"),
        two.post("/api/v1/auth/refresh")
    );
    assert_eq!(
        (a.status(), b.status()),
        (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT)
    );
    for tab in [&mut one, &mut two] {
        assert_eq!(
            tab.post("/api/v1/auth/refresh").await.status(),
            StatusCode::NO_CONTENT
        );
        assert_eq!(tab.me().await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_replaced_refresh_token_that_comes_back_late_ends_the_session() {
    let deployment = Deployment::with(&[("GRIDKEEP_REFRESH_OVERLAP_SECONDS", "0")]).await;
    let mut browser = deployment.signed_in(&ann()).await;
    let mut other = deployment.signed_in(&ann()).await;
    let mut thief = browser.clone();
    assert_eq!(
        browser.post("/api/v1/auth/refresh").await.status(),
        StatusCode::NO_CONTENT
    );
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    assert_eq!(
        thief.post("/api/v1/auth/refresh").await.status(),
        StatusCode::UNAUTHORIZED
    );
    assert!(!thief.cookies.contains_key(REFRESH) && !thief.cookies.contains_key(ACCESS));
    // The rightful one's too: nobody can tell which of them stole it. A session elsewhere goes on.
    assert_eq!(
        browser.post("/api/v1/auth/refresh").await.status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        other.post("/api/v1/auth/refresh").await.status(),
        StatusCode::NO_CONTENT
    );
}

#[tokio::test]
async fn signing_out_ends_the_session_and_clears_the_cookies() {
    let deployment = Deployment::start().await;
    let mut browser = deployment.signed_in(&ann()).await;
    let mut copy = browser.clone();
    assert_eq!(
        browser.post("/api/v1/auth/sign-out").await.status(),
        StatusCode::NO_CONTENT
    );
    assert!(!browser.cookies.contains_key(ACCESS) && !browser.cookies.contains_key(REFRESH));
    assert_eq!(
        copy.post("/api/v1/auth/refresh").await.status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        browser.post("/api/v1/auth/sign-out").await.status(),
        StatusCode::NO_CONTENT
    );
}

#[tokio::test]
async fn the_cookie_changes_nothing_from_another_origin_or_from_none() {
    let deployment = Deployment::start().await;
    let mut browser = deployment.signed_in(&ann()).await;
    for origin in [
        None,
        Some("null"),
        Some("https://evil.example"),
        Some("http://localhost:8081"),
        Some("https://localhost:8080"),
    ] {
        for path in ["/api/v1/auth/refresh", "/api/v1/auth/sign-out"] {
            let response = browser.send(Method::POST, path, origin).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{origin:?}");
            assert_eq!(json(response).await["code"], "forbidden");
        }
    }
    assert_eq!(
        browser
            .send(Method::POST, "/api/v1/auth/refresh", Some(ORIGIN))
            .await
            .status(),
        StatusCode::NO_CONTENT
    );
}

#[tokio::test]
async fn a_removed_member_is_nobody_at_once_and_cannot_refresh() {
    let deployment = Deployment::start().await;
    let mut browser = deployment.signed_in(&ann()).await;
    sqlx::raw_sql("delete from gk.member")
        .execute(&deployment.deps.pool)
        .await
        .unwrap();
    assert_eq!(browser.me().await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        browser.post("/api/v1/auth/refresh").await.status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn an_api_token_acts_as_its_member_and_wins_over_the_cookie() {
    use axum::body::Body;
    use tower::ServiceExt;

    let deployment = Deployment::start().await;
    let (mongo, pool) = (&deployment.deps.mongo, &deployment.deps.pool);
    let robot = auth::members::create(mongo, pool, "robot@example.org")
        .await
        .unwrap();
    let token = auth::tokens::create_api_token(pool, robot, "a test")
        .await
        .unwrap();
    let browser = deployment.signed_in(&ann()).await;
    let ask = async |token: String| {
        let request = http::Request::get("/api/v1/me")
            .header(header::HOST, "localhost:8080")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(
                header::COOKIE,
                format!("{ACCESS}={}", browser.cookies[ACCESS]),
            )
            .body(Body::empty())
            .unwrap();
        deployment.router.clone().oneshot(request).await.unwrap()
    };
    assert_eq!(
        json(ask(token.expose_secret().to_owned()).await).await["id"],
        robot.to_string()
    );
    assert_eq!(
        ask(format!("{}x", token.expose_secret())).await.status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        ask(browser.cookies[ACCESS].clone()).await.status(),
        StatusCode::OK
    );
    let stored: Vec<u8> = sqlx::query_scalar("select hash from gk.api_token")
        .fetch_one(pool)
        .await
        .unwrap();
    assert_eq!(stored.len(), 32);
}

#[tokio::test]
async fn the_members_are_listed_by_address_page_by_page() {
    let deployment = Deployment::start().await;
    let (mongo, pool) = (&deployment.deps.mongo, &deployment.deps.pool);
    for name in ["Bob", "carl", "d_e", "dxe"] {
        auth::members::create(mongo, pool, &format!("{name}@example.org"))
            .await
            .unwrap();
    }
    let mut browser = deployment.signed_in(&ann()).await;
    let mut seen = Vec::new();
    let mut uri = "/api/v1/users?limit=2".to_owned();
    loop {
        let page = json(browser.get(&uri).await).await;
        seen.extend(
            page["users"]
                .as_array()
                .unwrap()
                .iter()
                .map(|user| user["email"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        uri = format!("/api/v1/users?limit=2&cursor={next}");
    }
    assert_eq!(
        seen,
        [
            "Ann@example.org",
            "Bob@example.org",
            "carl@example.org",
            "d_e@example.org",
            "dxe@example.org"
        ]
    );
    let found = json(browser.get("/api/v1/users?q=D_E").await).await;
    assert_eq!(found["users"].as_array().unwrap().len(), 1);

    for (bad, pointer) in [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("cursor=%00", "cursor"),
        ("cursor=YQ", "cursor"),
        ("q=%00", "q"),
    ] {
        let response = browser.get(&format!("/api/v1/users?{bad}")).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{bad}");
        assert_eq!(json(response).await["pointer"], pointer, "{bad}");
    }
    assert_eq!(
        deployment.browser().get("/api/v1/users").await.status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn the_public_keys_hold_no_private_half() {
    let deployment = Deployment::start().await;
    let keys = json(deployment.browser().get("/api/v1/auth/jwks.json").await).await;
    assert_eq!(keys["keys"][0]["crv"], "Ed25519");
    assert!(keys["keys"][0].get("d").is_none());
}

#[tokio::test]
async fn a_signing_key_that_does_not_belong_to_the_public_keys_fails_at_start() {
    let provider = auth::keys::generate().unwrap();
    let deployment = Deployment::start().await;
    let mut config = deployment.deps.config.clone();
    config.signing_key = provider.pem;
    assert!(
        auth::Deps::connect(&config)
            .await
            .unwrap_err()
            .to_string()
            .contains("GRIDKEEP_SIGNING_KEY")
    );
}
