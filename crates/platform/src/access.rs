//! What the caller may do with a dataset, as a type: a handler that takes `Access<Editor>` cannot forget the check. One
//! indexed query on every request, so a revoked grant works at once. Without a grant the dataset does not exist.

use std::{fmt, marker::PhantomData, sync::Arc};

use axum::extract::{FromRef, FromRequestParts, RawPathParams};
use contracts::{DatasetId, UserId, dataset::Role};
use http::request::Parts;
use sqlx::PgPool;

use crate::{
    auth::{Asker, Verifier},
    http::ApiError,
};

/// A least role, as a type.
pub trait AtLeast: Send + Sync + 'static {
    const ROLE: Role;
}

macro_rules! role {
    ($($name:ident),*) => { $(
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl AtLeast for $name {
            const ROLE: Role = Role::$name;
        }
    )* };
}
role!(Viewer, Editor, Owner);

/// A dataset that the caller may touch, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    pub user: UserId,
    pub dataset: DatasetId,
    /// Names the dataset's tables.
    pub no: i64,
    pub role: Role,
    /// The newest version; 0 before the first.
    pub head: i64,
    /// Rows of the newest version.
    pub rows: i64,
}

/// The grant on the dataset of the route's `{id}`, of at least role `R`.
pub struct Access<R> {
    pub grant: Grant,
    role: PhantomData<R>,
}

impl<R> std::ops::Deref for Access<R> {
    type Target = Grant;

    fn deref(&self) -> &Grant {
        &self.grant
    }
}

impl<R> fmt::Debug for Access<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Access").field(&self.grant).finish()
    }
}

impl<S, R> FromRequestParts<S> for Access<R>
where
    R: AtLeast,
    S: Send + Sync,
    PgPool: FromRef<S>,
    Arc<Verifier>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let pool = PgPool::from_ref(state);
        let asker = Arc::<Verifier>::from_ref(state).identify(&parts.headers)?;
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(ApiError::internal)?;
        let dataset = params
            .iter()
            .find(|(name, _)| *name == "id")
            .map(|(_, id)| id.parse().ok());
        let dataset =
            dataset.ok_or_else(|| ApiError::internal("the route of an Access has no {id}"))?;
        let grant = grant(&pool, asker, dataset, R::ROLE).await?;
        Ok(Self {
            grant,
            role: PhantomData,
        })
    }
}

/// The caller's grant on a dataset that is named elsewhere than in the path (the target of an upload). `user` comes from
/// `Caller`.
///
/// # Errors
/// `not_found` without a grant, `forbidden` with a lesser one.
pub async fn require(
    pool: &PgPool,
    user: UserId,
    dataset: DatasetId,
    least: Role,
) -> Result<Grant, ApiError> {
    grant(pool, user.into(), Some(dataset), least).await
}

/// Token, member and grant in one query. `None` is an id that no dataset can have: a stranger still has to be a member to hear so.
async fn grant(
    pool: &PgPool,
    asker: Asker,
    dataset: Option<DatasetId>,
    least: Role,
) -> Result<Grant, ApiError> {
    let missing = || ApiError::not_found("dataset");
    let row = sqlx::query!(
        r#"select m.id as member, d.no as "no?", d.head as "head?", d.rows as "rows?", g.role as "role?"
           from gk.member m
           left join gk.dataset d on d.id = $2 and d.deleted_at is null
           left join gk.dataset_grant g on g.member = m.id and g.dataset = d.no
           where m.id = coalesce($1, (select member from gk.api_token
               where hash = $3 and (expires_at is null or expires_at > now())))"#,
        asker.user(),
        dataset.map(|id| id.to_string()).unwrap_or_default(),
        asker.token(),
    )
    .fetch_optional(pool)
    .await?
    .ok_or_else(ApiError::unauthenticated)?;
    let (Some(dataset), Some(no), Some(head), Some(rows), Some(role)) =
        (dataset, row.no, row.head, row.rows, row.role)
    else {
        return Err(missing());
    };
    let role = match role.as_str() {
        "viewer" => Role::Viewer,
        "editor" => Role::Editor,
        "owner" => Role::Owner,
        other => {
            return Err(ApiError::internal(format!(
                "a grant has the unknown role {other}"
            )));
        }
    };
    if role < least {
        return Err(ApiError::forbidden(match least {
            Role::Owner => "Only an owner of this dataset may do this.",
            Role::Editor | Role::Viewer => {
                "Your role on this dataset lets you look, not change. Ask an owner to make you an editor."
            }
        }));
    }
    Ok(Grant {
        user: row.member.parse().map_err(ApiError::internal)?,
        dataset,
        no,
        role,
        head,
        rows,
    })
}
