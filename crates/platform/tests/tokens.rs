//! Every way to forge an access token that we know of, and that each is refused.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contracts::UserId;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use platform::auth::{InvalidToken, Verifier};
use serde_json::{Value, json};

const ORIGIN: &str = "https://grid.example";

struct Key {
    der: Vec<u8>,
    jwk: Value,
}

impl Key {
    fn generate(kid: &str) -> Self {
        let header = [
            0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22,
            0x04, 0x20,
        ];
        let der = [header.as_slice(), &rand::random::<[u8; 32]>()].concat();
        let jwk =
            Jwk::from_encoding_key(&EncodingKey::from_ed_der(&der), Algorithm::EdDSA).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = kid.into();
        Self { der, jwk }
    }

    fn sign(&self, kid: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = kid.map(str::to_owned);
        encode(&header, claims, &EncodingKey::from_ed_der(&self.der)).unwrap()
    }

    fn jwks(&self) -> String {
        json!({ "keys": [self.jwk] }).to_string()
    }
}

fn claims(change: Value) -> Value {
    let now = Timestamp::now().as_second();
    let mut claims = json!({ "iss": ORIGIN, "aud": ORIGIN, "sub": UserId::generate(), "iat": now, "exp": now + 600 });
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn unsigned(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

#[test]
fn our_own_token_holds() {
    let key = Key::generate("k1");
    let verifier = Verifier::new(&key.jwks(), ORIGIN, "").unwrap();
    let claims = claims(json!({}));
    let verified = verifier.verify(&key.sign(Some("k1"), &claims)).unwrap();
    assert_eq!(verified.sub.to_string(), claims["sub"].as_str().unwrap());
}

#[test]
fn a_token_with_wrong_claims_is_refused() {
    let key = Key::generate("k1");
    let verifier = Verifier::new(&key.jwks(), ORIGIN, "").unwrap();
    let now = Timestamp::now().as_second();
    for (what, change) in [
        ("expired", json!({ "exp": now - 30 })),
        ("without expiry", json!({ "exp": null })),
        (
            "for another audience",
            json!({ "aud": "https://other.example" }),
        ),
        ("without audience", json!({ "aud": null })),
        (
            "of another issuer",
            json!({ "iss": "https://other.example" }),
        ),
        ("without issuer", json!({ "iss": null })),
        ("without subject", json!({ "sub": null })),
        ("for no user of ours", json!({ "sub": "somebody" })),
    ] {
        let token = key.sign(Some("k1"), &claims(change));
        assert!(
            matches!(verifier.verify(&token), Err(InvalidToken::Refused(_))),
            "{what}"
        );
    }
    // Clocks differ a little.
    assert!(
        verifier
            .verify(&key.sign(Some("k1"), &claims(json!({ "exp": now - 2 }))))
            .is_ok()
    );
}

#[test]
fn a_token_of_another_key_is_refused() {
    let (ours, other) = (Key::generate("k1"), Key::generate("k1"));
    let verifier = Verifier::new(&ours.jwks(), ORIGIN, "").unwrap();
    let good = claims(json!({}));
    assert!(matches!(
        verifier.verify(&other.sign(Some("k1"), &good)),
        Err(InvalidToken::Refused(_))
    ));
    for kid in [
        Some("k2"),
        Some(""),
        Some("../../k1"),
        Some("k1\u{0}"),
        None,
    ] {
        assert!(
            matches!(
                verifier.verify(&ours.sign(kid, &good)),
                Err(InvalidToken::UnknownKey)
            ),
            "{kid:?}"
        );
    }
}

#[test]
fn a_token_that_chooses_its_own_algorithm_is_refused() {
    let key = Key::generate("k1");
    let verifier = Verifier::new(&key.jwks(), ORIGIN, "").unwrap();
    let good = claims(json!({}));
    for alg in ["none", "None", "NONE"] {
        for signature in ["", "AAAA"] {
            let token = unsigned(&json!({ "alg": alg, "kid": "k1" }), &good, signature);
            assert!(verifier.verify(&token).is_err(), "{alg}");
        }
    }
    // The public key is known to everybody; as an HMAC secret it must not work.
    let public = URL_SAFE_NO_PAD
        .decode(key.jwk["x"].as_str().unwrap())
        .unwrap();
    for secret in [
        public.as_slice(),
        key.jwks().as_bytes(),
        key.jwk["x"].as_str().unwrap().as_bytes(),
    ] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let mut header = Header::new(algorithm);
            header.kid = Some("k1".to_owned());
            let token = encode(&header, &good, &EncodingKey::from_secret(secret)).unwrap();
            assert!(
                matches!(verifier.verify(&token), Err(InvalidToken::Refused(_))),
                "{algorithm:?}"
            );
        }
    }
    // The key that the token brings along is not asked.
    let other = Key::generate("k1");
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some("k1".to_owned());
    header.jwk = Some(serde_json::from_value(other.jwk.clone()).unwrap());
    let token = encode(&header, &good, &EncodingKey::from_ed_der(&other.der)).unwrap();
    assert!(matches!(
        verifier.verify(&token),
        Err(InvalidToken::Refused(_))
    ));
}

#[test]
fn a_changed_token_is_refused() {
    let key = Key::generate("k1");
    let verifier = Verifier::new(&key.jwks(), ORIGIN, "").unwrap();
    let token = key.sign(Some("k1"), &claims(json!({})));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let payload = URL_SAFE_NO_PAD.encode(claims(json!({})).to_string());
    assert!(
        verifier
            .verify(&format!("{header}.{payload}.{signature}"))
            .is_err()
    );
    assert!(verifier.verify(signed).is_err());
    for garbage in [
        "",
        ".",
        "..",
        "a.b.c",
        "gk_x",
        "\u{fffd}",
        &"x".repeat(10_000),
    ] {
        assert!(verifier.verify(garbage).is_err());
    }
}

#[test]
fn a_key_set_holds_only_what_we_sign_with() {
    let key = Key::generate("k1");
    let mut nameless = key.jwk.clone();
    nameless.as_object_mut().unwrap().remove("kid");
    let secret = json!({ "kty": "oct", "kid": "k2", "k": "c2VjcmV0" });
    let rsa = json!({ "kty": "RSA", "kid": "k3", "n": "AQAB", "e": "AQAB" });
    for keys in [
        json!([]),
        json!([nameless]),
        json!([secret]),
        json!([rsa]),
        json!([key.jwk, key.jwk]),
    ] {
        assert!(
            Verifier::new(&json!({ "keys": keys }).to_string(), ORIGIN, "").is_err(),
            "{keys}"
        );
    }
    assert!(Verifier::new("nonsense", ORIGIN, "").is_err());
}
