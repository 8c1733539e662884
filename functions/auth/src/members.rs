//! Who people are. MongoDB has the user with every (issuer, subject) bound to it; PostgreSQL has the member (id, address,
//! name), which is what the other functions and the sharing dialog ask.
//!
//! Three collections, each unique by `_id` alone, so that two first sign-ins at once agree without transactions:
//! `identities` (issuer and subject → user), `addresses` (checked address → user), `users`. An identity is claimed first and
//! the rest repeated at every sign-in, so a crash in between heals itself.

use axum::extract::State;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contracts::{
    Problem, UserId,
    auth::{Me, UserList},
};
use mongodb::{
    Collection, Database,
    bson::{DateTime, Document, doc},
};
use platform::{
    auth::Caller,
    http::{ApiError, Json, Query},
    mongo::within,
};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::IntoParams;

use crate::{App, AuthError, provider::Identity};

/// `identities` and `addresses` alike: a key, and whose it is.
#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    #[serde(rename = "_id")]
    key: String,
    user: UserId,
    created_at: DateTime,
}

fn identities(mongo: &Database) -> Collection<Claim> {
    mongo.collection("identities")
}

fn addresses(mongo: &Database) -> Collection<Claim> {
    mongo.collection("addresses")
}

fn users(mongo: &Database) -> Collection<Document> {
    mongo.collection("users")
}

/// The key's owner: whoever had it already, else `user`.
async fn claim(claims: &Collection<Claim>, key: &str, user: UserId) -> Result<UserId, AuthError> {
    let fresh = Claim {
        key: key.to_owned(),
        user,
        created_at: DateTime::now(),
    };
    match within(claims.insert_one(&fresh)).await {
        Ok(_) => Ok(user),
        Err(error) if error.is_duplicate_key() => Ok(owner(claims, key).await?.unwrap_or(user)),
        Err(error) => Err(error.into()),
    }
}

async fn owner(claims: &Collection<Claim>, key: &str) -> Result<Option<UserId>, AuthError> {
    Ok(within(claims.find_one(doc! { "_id": key }))
        .await?
        .map(|claim| claim.user))
}

/// The user of this identity, made at the first sign-in.
pub(crate) async fn sign_in(
    mongo: &Database,
    pool: &PgPool,
    identity: &Identity,
    email: &str,
) -> Result<UserId, AuthError> {
    let key = format!("{}#{}", identity.issuer, identity.subject);
    let known = owner(&identities(mongo), &key).await?;
    let user = match known {
        Some(user) => user,
        None => {
            let user = if identity.email_verified {
                earlier(mongo, identity, email).await?
            } else {
                UserId::generate()
            };
            claim(&identities(mongo), &key, user).await?
        }
    };
    let name = identity
        .name
        .as_deref()
        .filter(|name| !name.trim().is_empty())
        .unwrap_or(email);
    let identity = doc! { "issuer": &identity.issuer, "subject": &identity.subject };
    record(mongo, user, email, name, Some(identity)).await?;
    upsert_member(pool, user, email, name).await?;
    Ok(user)
}

/// The user that was made earlier for this checked address, or a new one that has it. Somebody whom this issuer knows by
/// another subject is another person: addresses are given to new people when old ones leave.
async fn earlier(mongo: &Database, identity: &Identity, email: &str) -> Result<UserId, AuthError> {
    let user = claim(&addresses(mongo), &email.to_lowercase(), UserId::generate()).await?;
    let taken = doc! { "_id": user.to_string(), "identities.issuer": &identity.issuer };
    let taken = within(users(mongo).find_one(taken)).await?.is_some();
    Ok(if taken { UserId::generate() } else { user })
}

/// The user's own document.
async fn record(
    mongo: &Database,
    user: UserId,
    email: &str,
    name: &str,
    identity: Option<Document>,
) -> Result<(), AuthError> {
    let mut set = doc! { "email": email, "name": name };
    if identity.is_some() {
        set.insert("signed_in_at", DateTime::now());
    }
    let mut update = doc! { "$set": set, "$setOnInsert": { "created_at": DateTime::now() } };
    if let Some(identity) = identity {
        update.insert("$addToSet", doc! { "identities": identity });
    }
    let key = doc! { "_id": user.to_string() };
    let users = users(mongo);
    let upsert = || users.update_one(key.clone(), update.clone()).upsert(true);
    match within(upsert()).await {
        // Somebody else made it in between, so the second try finds it.
        Err(error) if error.is_duplicate_key() => within(upsert()).await?,
        outcome => outcome?,
    };
    Ok(())
}

async fn upsert_member(
    pool: &PgPool,
    user: UserId,
    email: &str,
    name: &str,
) -> Result<(), AuthError> {
    sqlx::query!(
        "insert into gk.member (id, email, name) values ($1, $2, $3)
         on conflict on constraint member_pkey do update set email = excluded.email, name = excluded.name
         where (member.email, member.name) is distinct from (excluded.email, excluded.name)",
        user.to_string(),
        email,
        name,
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub(crate) async fn email_of(pool: &PgPool, user: UserId) -> Result<Option<String>, AuthError> {
    Ok(sqlx::query_scalar!(
        "select email from gk.member where id = $1",
        user.to_string()
    )
    .fetch_optional(pool)
    .await?)
}

/// The member with this address. Only a checked address counts: anybody may claim one that is not.
///
/// # Errors
/// When a database does not answer.
pub async fn find(
    mongo: &Database,
    pool: &PgPool,
    email: &str,
) -> Result<Option<UserId>, AuthError> {
    let Some(user) = owner(&addresses(mongo), &email.to_lowercase()).await? else {
        return Ok(None);
    };
    Ok(email_of(pool, user).await?.map(|_| user))
}

/// The member with this address, made when there is none (`gridkeep token --create`). The first sign-in with the same checked
/// address becomes this user.
///
/// # Errors
/// When it is no address, or a database does not answer.
pub async fn create(mongo: &Database, pool: &PgPool, email: &str) -> Result<UserId, AuthError> {
    let email = email.trim();
    let is_address = email
        .split_once('@')
        .is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty())
        && email.len() <= 254
        && !email
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == ',');
    if !is_address {
        return Err(AuthError::NotAnAddress);
    }
    let user = claim(&addresses(mongo), &email.to_lowercase(), UserId::generate()).await?;
    if email_of(pool, user).await?.is_none() {
        let name = email.split('@').next().unwrap_or(email);
        record(mongo, user, email, name, None).await?;
        upsert_member(pool, user, email, name).await?;
    }
    Ok(user)
}

/// Who you are.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "identity", security(("cookie" = []), ("bearer" = [])),
    responses(
        (status = 200, body = Me),
        (status = 401, description = "Not signed in", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show_me(
    State(App(deps)): State<App>,
    caller: Caller,
) -> Result<Json<Me>, ApiError> {
    let member = sqlx::query!(
        "select email, name from gk.member where id = $1",
        caller.user.to_string()
    )
    .fetch_optional(&deps.pool)
    .await?
    .ok_or_else(ApiError::unauthenticated)?;
    Ok(Json(Me {
        id: caller.user,
        email: member.email,
        name: member.name,
    }))
}

const PAGE: i64 = 20;
const PAGE_MAX: i64 = 100;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsersQuery {
    /// Part of a name or address.
    q: Option<String>,
    /// 20 unless told, at most 100.
    limit: Option<i64>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// The members, by address, for the sharing dialog.
#[utoipa::path(
    get, path = "/api/v1/users", tag = "identity", params(UsersQuery), security(("cookie" = []), ("bearer" = [])),
    responses(
        (status = 200, body = UserList),
        (status = 400, description = "A parameter is not valid", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Not signed in", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_users(
    State(App(deps)): State<App>,
    _caller: Caller,
    Query(query): Query<UsersQuery>,
) -> Result<Json<UserList>, ApiError> {
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(ApiError::validation(
            "limit",
            format!("Expected a number from 1 to {PAGE_MAX}."),
        ));
    }
    let pattern = query
        .q
        .as_deref()
        .map(str::trim)
        .filter(|q| !q.is_empty())
        .map(pattern)
        .transpose()?;
    let (after_email, after_id) = query
        .cursor
        .as_deref()
        .map(parse_cursor)
        .transpose()?
        .unzip();
    let mut members = sqlx::query!(
        r#"select id, email, name, lower(email) as "key!" from gk.member
           where ($1::text is null or email ilike $1 or name ilike $1)
             and ($2::text is null or (lower(email), id) > ($2, $3))
           order by lower(email), id
           limit $4"#,
        pattern,
        after_email,
        after_id,
        limit + 1,
    )
    .fetch_all(&deps.pool)
    .await?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = members.len() > page;
    members.truncate(page);
    let next = members
        .last()
        .filter(|_| more)
        .map(|last| cursor(&last.key, &last.id));
    let users = members
        .into_iter()
        .map(|member| {
            Ok(Me {
                id: member.id.parse()?,
                email: member.email,
                name: member.name,
            })
        })
        .collect::<Result<_, AuthError>>()?;
    Ok(Json(UserList { users, next }))
}

fn pattern(q: &str) -> Result<String, ApiError> {
    if q.len() > 200 || q.contains('\0') {
        return Err(ApiError::validation(
            "q",
            "Expected at most 200 characters of a name or address.",
        ));
    }
    let escaped = q
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    Ok(format!("%{escaped}%"))
}

/// Where a page ended: the last one's address in lower case, and id.
fn cursor(email: &str, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{id} {email}"))
}

fn parse_cursor(text: &str) -> Result<(String, String), ApiError> {
    URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .filter(|plain| !plain.contains('\0'))
        .and_then(|plain| {
            let (id, email) = plain.split_once(' ')?;
            id.parse::<UserId>().ok()?;
            Some((email.to_owned(), id.to_owned()))
        })
        .ok_or_else(|| {
            ApiError::validation(
                "cursor",
                "This is not a cursor of this list: use `next` of the page before.",
            )
        })
}
