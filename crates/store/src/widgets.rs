//! Widgets: definitions, each with a materialized view of its numbers. The view selects through the head within one statement,
//! so rows in flight never count, and carries the version it shows. It is refreshed once per published version
//! ([`Store::refresh_widgets`], called for each event of the `VERSIONS` stream) and read as it is.

use contracts::{
    Code, DatasetId, Problem, WidgetId,
    widget::{Series, SeriesColumn, WIDGETS_MAX, Widget, WidgetDefinition, WidgetKind},
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row as _, types::Json};

use crate::{
    At, Error, Filter, Result, Snapshot, Store,
    aggregate::{Aggregation, read_series, say_out_of_range},
    error::is_undefined_table,
    imports::lock_dataset,
    statement::{Literals, head_rows},
};

/// A widget whose view was replaced or refreshed between two statements is looked up again so often.
const READ_TRIES: u32 = 20;

/// What [`Store::refresh_widgets`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Widgets whose numbers were made anew.
    pub widgets: u64,
    /// Widgets that cannot be computed at this version; each keeps why.
    pub problems: u64,
}

/// A widget's row.
#[derive(sqlx::FromRow)]
struct Stored {
    no: i64,
    id: String,
    definition: Json<WidgetDefinition>,
    sql: Option<String>,
    revision: i32,
    columns: Json<Vec<SeriesColumn>>,
    version: Option<i64>,
    refreshed_at: Option<String>,
    previous: Option<Json<Vec<Value>>>,
    problem: Option<Json<Problem>>,
}

const SELECT: &str = "select no, id, definition, sql, revision, columns, version, previous, problem, \
    to_char(refreshed_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as refreshed_at from gk.widget";

/// What one look at a widget came to.
enum Step {
    /// It is at the head already, or deleted.
    Nothing,
    Problem,
    /// Its numbers are of this version.
    Made(i64),
}

/// The view's name: a new one for every revision.
fn view(no: i64, revision: i32) -> String {
    format!("data.w_{no}_{revision}")
}

impl Aggregation {
    /// What a widget computes. [`Error::Invalid`] names the field that cannot be read.
    pub fn of(definition: &WidgetDefinition) -> Result<Self> {
        let filter = match &definition.filter {
            None | Some(Value::Null) => None,
            Some(filter) => Some(
                serde_json::from_value::<Filter>(filter.clone())
                    .map_err(|_| Error::invalid("filter", "not a filter"))?,
            ),
        };
        Ok(Self {
            group: definition.group.as_deref().map(str::parse).transpose()?,
            measures: definition
                .measures
                .iter()
                .map(|measure| measure.parse())
                .collect::<Result<_>>()?,
            filter,
            order: definition.sort,
            limit: definition.limit,
        })
    }

    /// The statement of a view upon the head, whichever that is when it runs, and what its columns are. Without rows it has one
    /// of place 0, for the version.
    fn over_head(&self, head: &Snapshot) -> Result<(String, Vec<SeriesColumn>)> {
        let shape = self.shape(&head.columns)?;
        let filter = self.filter(&head.columns, &mut Literals)?;
        let no = head.dataset_no;
        let rows = format!(
            "{}{filter}",
            head_rows(no, &format!("true as row{}", shape.reads()))
        );
        let columns = shape.columns();
        let values: String = (0..columns.len()).map(|at| format!(", v{at}")).collect();
        Ok((
            format!(
                "select h.version, coalesce(q.place, 0) as place{values} \
                 from (select head as version from gk.dataset where no = {no}) h left join ({}) q on true",
                shape.statement(&rows)
            ),
            columns,
        ))
    }
}

impl Store {
    /// From top to bottom, then from left to right.
    pub async fn list_widgets(&self, dataset_no: i64) -> Result<Vec<Widget>> {
        let stored: Vec<Stored> = sqlx::query_as(AssertSqlSafe(format!(
            "{SELECT} where dataset = $1 order by (definition #>> '{{position,y}}')::int, (definition #>> '{{position,x}}')::int, no"
        )))
        .bind(dataset_no)
        .fetch_all(&self.pool)
        .await?;
        let mut widgets = Vec::with_capacity(stored.len());
        for one in stored {
            widgets.extend(self.with_numbers(dataset_no, one).await?);
        }
        Ok(widgets)
    }

    pub async fn show_widget(&self, dataset_no: i64, id: WidgetId) -> Result<Widget> {
        let stored = self
            .stored_widget(dataset_no, &id.to_string())
            .await?
            .ok_or(Error::NotFound("widget"))?;
        self.with_numbers(dataset_no, stored)
            .await?
            .ok_or(Error::NotFound("widget"))
    }

    /// Keeps a widget and computes its numbers. [`Error::Invalid`] names what does not fit the dataset's columns.
    pub async fn create_widget(
        &self,
        dataset_no: i64,
        definition: &WidgetDefinition,
    ) -> Result<Widget> {
        let head = self.resolve(dataset_no, At::Head).await?;
        Aggregation::of(definition)?.over_head(&head)?;
        let id = WidgetId::generate();
        let mut tx = self.pool.begin().await?;
        // Two at once must not both be the last that there is room for.
        lock_dataset(&mut tx, dataset_no).await?;
        let many = sqlx::query_scalar!(
            r#"select count(*) as "many!" from gk.widget where dataset = $1"#,
            dataset_no
        )
        .fetch_one(&mut *tx)
        .await?;
        if usize::try_from(many).unwrap_or(usize::MAX) >= WIDGETS_MAX {
            return Err(Error::invalid(
                "",
                format!("a dataset has at most {WIDGETS_MAX} widgets"),
            ));
        }
        let no = sqlx::query_scalar!(
            "insert into gk.widget (id, dataset, definition) values ($1, $2, $3) returning no",
            id.to_string(),
            dataset_no,
            serde_json::to_value(definition)?
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        self.refresh_widget(dataset_no, no).await?;
        self.show_widget(dataset_no, id).await
    }

    /// Puts a definition in the place of the one that the caller saw, and computes its numbers. None if somebody else has
    /// changed it since.
    pub async fn update_widget(
        &self,
        dataset_no: i64,
        id: WidgetId,
        seen: &WidgetDefinition,
        definition: &WidgetDefinition,
    ) -> Result<Option<Widget>> {
        let head = self.resolve(dataset_no, At::Head).await?;
        Aggregation::of(definition)?.over_head(&head)?;
        let no = sqlx::query_scalar!(
            "update gk.widget set definition = $4 where dataset = $1 and id = $2 and definition = $3 returning no",
            dataset_no,
            id.to_string(),
            serde_json::to_value(seen)?,
            serde_json::to_value(definition)?
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(no) = no else {
            return Ok(None);
        };
        self.refresh_widget(dataset_no, no).await?;
        self.show_widget(dataset_no, id).await.map(Some)
    }

    pub async fn delete_widget(&self, dataset_no: i64, id: WidgetId) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let gone = sqlx::query!(
            "delete from gk.widget where dataset = $1 and id = $2 returning no, revision",
            dataset_no,
            id.to_string()
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::NotFound("widget"))?;
        drop_view(&mut tx, gone.no, gone.revision).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Brings every widget of a dataset to its head. What is there already, or gone, is left alone, so that an event may come
    /// twice, late or out of order.
    pub async fn refresh_widgets(&self, dataset: DatasetId) -> Result<Refreshed> {
        let behind = sqlx::query!(
            r#"select d.no as "dataset_no", w.no from gk.widget w join gk.dataset d on d.no = w.dataset
               where d.id = $1 and d.deleted_at is null and (w.version is null or w.version < d.head) order by w.no"#,
            dataset.to_string()
        )
        .fetch_all(&self.pool)
        .await?;
        let mut refreshed = Refreshed::default();
        for widget in behind {
            match self.refresh_widget(widget.dataset_no, widget.no).await {
                Ok(Some(true)) => refreshed.widgets += 1,
                Ok(Some(false)) => refreshed.problems += 1,
                Ok(None) => {}
                // Deleted meanwhile, with its tables.
                Err(Error::NotFound(_)) => {}
                Err(Error::Database(error)) if is_undefined_table(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(refreshed)
    }

    /// Whether it has numbers now; None when there was nothing to do.
    async fn refresh_widget(&self, dataset_no: i64, no: i64) -> Result<Option<bool>> {
        let mut outcome = None;
        loop {
            // Before the transaction, which would else hold one connection while it waits for another.
            let head = self.resolve(dataset_no, At::Head).await?;
            match self.refresh_at(&head, no).await? {
                Step::Nothing => return Ok(outcome),
                Step::Problem => return Ok(Some(false)),
                Step::Made(version) if version <= head.version => return Ok(Some(true)),
                // The head has moved on, perhaps with other columns: looked at again.
                Step::Made(_) => outcome = Some(true),
            }
        }
    }

    /// The widget's row is locked all the while, so that it is done once per version, however many try.
    async fn refresh_at(&self, head: &Snapshot, no: i64) -> Result<Step> {
        let mut tx = self.pool.begin().await?;
        let stored: Option<Stored> =
            sqlx::query_as(AssertSqlSafe(format!("{SELECT} where no = $1 for update")))
                .bind(no)
                .fetch_optional(&mut *tx)
                .await?;
        let Some(stored) = stored else {
            return Ok(Step::Nothing);
        };
        let made = Aggregation::of(&stored.definition).and_then(|it| it.over_head(head));
        let outcome = match made {
            Err(Error::Invalid { pointer, detail }) => Err(unfit(&pointer, &detail)),
            Err(error) => return Err(error),
            Ok((sql, columns)) => {
                let same =
                    stored.sql.as_deref() == Some(&sql) && is_there(&mut tx, &stored).await?;
                let current = stored
                    .version
                    .is_some_and(|version| version >= head.version);
                if same && current {
                    if columns != stored.columns.0 {
                        keep_columns(&mut tx, no, &columns).await?;
                        tx.commit().await?;
                    }
                    return Ok(Step::Nothing);
                }
                renew(&mut tx, &stored, &sql, &columns, same).await?
            }
        };
        match outcome {
            Ok(version) => {
                tx.commit().await?;
                Ok(Step::Made(version))
            }
            Err(_) if stored.problem.is_some() && stored.version >= Some(head.version) => {
                Ok(Step::Nothing)
            }
            Err(problem) => {
                tx.rollback().await?;
                self.keep_problem(no, &problem, head.version).await?;
                Ok(Step::Problem)
            }
        }
    }

    async fn keep_problem(&self, no: i64, problem: &Problem, version: i64) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let before = sqlx::query_scalar!(
            "select revision from gk.widget where no = $1 for update",
            no
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(revision) = before else {
            return Ok(());
        };
        drop_view(&mut tx, no, revision).await?;
        sqlx::query!(
            "update gk.widget set problem = $2, version = $3, sql = null, columns = '[]', previous = null, \
                 refreshed_at = clock_timestamp() where no = $1",
            no,
            serde_json::to_value(problem)?,
            version
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn stored_widget(&self, dataset_no: i64, id: &str) -> Result<Option<Stored>> {
        Ok(sqlx::query_as(AssertSqlSafe(format!(
            "{SELECT} where dataset = $1 and id = $2"
        )))
        .bind(dataset_no)
        .bind(id)
        .fetch_optional(&self.pool)
        .await?)
    }

    /// The widget with what its view holds; None when it was deleted meanwhile.
    async fn with_numbers(&self, dataset_no: i64, mut stored: Stored) -> Result<Option<Widget>> {
        for _ in 0..READ_TRIES {
            if stored.sql.is_none() {
                return stored.shown(None, Series::default()).map(Some);
            }
            match read_view(&self.pool, &stored).await {
                // Refreshed since its row was read: that says of other numbers when they were made, and what was before.
                Ok((version, _)) if stored.version != Some(version) => {}
                Ok((version, series)) => {
                    let published_at = self.resolve(dataset_no, At::Version(version)).await?;
                    return stored
                        .shown(Some((version, published_at.published_at.clone())), series)
                        .map(Some);
                }
                // Replaced since its row was read.
                Err(Error::Database(error)) if is_undefined_table(&error) => {}
                Err(error) => return Err(error),
            }
            match self.stored_widget(dataset_no, &stored.id).await? {
                Some(again) => stored = again,
                None => return Ok(None),
            }
        }
        Err(Error::NotFound("widget"))
    }
}

impl Stored {
    fn shown(self, numbers: Option<(i64, String)>, series: Series) -> Result<Widget> {
        let (version, published_at) = numbers.unzip();
        Ok(Widget {
            id: self.id.parse()?,
            definition: self.definition.0,
            version,
            published_at,
            refreshed_at: self.refreshed_at,
            series,
            previous: self.previous.map(|json| json.0),
            problem: self.problem.map(|json| json.0),
        })
    }
}

/// The version and the numbers, read in one statement.
async fn read_view<'e, X>(executor: X, stored: &Stored) -> Result<(i64, Series)>
where
    X: sqlx::PgExecutor<'e>,
{
    let values: String = (0..stored.columns.len())
        .map(|at| format!(", v{at}"))
        .collect();
    let rows = sqlx::query(AssertSqlSafe(format!(
        "select version, place{values} from {} order by place",
        view(stored.no, stored.revision)
    )))
    .fetch_all(executor)
    .await?;
    let first = rows
        .first()
        .ok_or(Error::Disagrees("a widget and its view"))?;
    let version: i64 = first.try_get(0)?;
    // Place 0 is the version alone.
    let some = first.try_get::<i64, _>(1)? > 0;
    let limit = usize::try_from(stored.definition.limit).unwrap_or(usize::MAX);
    let rows = if some { rows.as_slice() } else { &[] };
    Ok((
        version,
        read_series(stored.columns.0.clone(), limit, rows, 2)?,
    ))
}

/// Computes the numbers: the view is refreshed beside its readers, or made where its statement is another one.
async fn renew(
    tx: &mut PgConnection,
    stored: &Stored,
    sql: &str,
    columns: &[SeriesColumn],
    same: bool,
) -> Result<Result<i64, Problem>> {
    let previous = if same {
        number(tx, stored).await?
    } else {
        None
    };
    let revision = if same {
        stored.revision
    } else {
        stored.revision + 1
    };
    let name = view(stored.no, revision);
    let statement = if same {
        format!("refresh materialized view concurrently {name}")
    } else {
        // Whoever reads the old view by now sees it gone, and looks up the new one.
        drop_view(tx, stored.no, stored.revision).await?;
        format!("create materialized view {name} as {sql}; create unique index on {name} (place)")
    };
    match sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut *tx)
        .await
        .map_err(|error| say_out_of_range(error.into()))
    {
        Err(Error::Invalid { pointer, detail }) => return Ok(Err(unfit(&pointer, &detail))),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    let version: i64 =
        sqlx::query_scalar(AssertSqlSafe(format!("select version from {name} limit 1")))
            .fetch_one(&mut *tx)
            .await?;
    // Of the same version again the number before stays what it was.
    let previous = match previous {
        Some((before, row)) if before < version => Some(serde_json::to_value(row)?),
        _ if same => stored
            .previous
            .as_ref()
            .map(|json| serde_json::to_value(&json.0))
            .transpose()?,
        _ => None,
    };
    sqlx::query!(
        "update gk.widget set sql = $2, revision = $3, columns = $4, version = $5, previous = $6, \
             refreshed_at = clock_timestamp(), problem = null where no = $1",
        stored.no,
        sql,
        revision,
        serde_json::to_value(columns)?,
        version,
        previous
    )
    .execute(&mut *tx)
    .await?;
    Ok(Ok(version))
}

/// The row of a number, and its version.
async fn number(tx: &mut PgConnection, stored: &Stored) -> Result<Option<(i64, Vec<Value>)>> {
    if stored.definition.kind != WidgetKind::Number || stored.sql.is_none() {
        return Ok(None);
    }
    let (version, series) = read_view(tx, stored).await?;
    Ok(series.rows.into_iter().next().map(|row| (version, row)))
}

async fn is_there(tx: &mut PgConnection, stored: &Stored) -> Result<bool> {
    Ok(sqlx::query_scalar("select to_regclass($1) is not null")
        .bind(view(stored.no, stored.revision))
        .fetch_one(tx)
        .await?)
}

async fn keep_columns(tx: &mut PgConnection, no: i64, columns: &[SeriesColumn]) -> Result<()> {
    let columns = serde_json::to_value(columns)?;
    sqlx::query!(
        "update gk.widget set columns = $2 where no = $1",
        no,
        columns
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn drop_view(tx: &mut PgConnection, no: i64, revision: i32) -> Result<()> {
    let statement = format!("drop materialized view if exists {}", view(no, revision));
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(tx).await?;
    Ok(())
}

fn unfit(pointer: &str, detail: &str) -> Problem {
    Problem::new(
        Code::Validation,
        format!("This cannot be computed any more: {detail}. Change or delete the widget."),
    )
    .at(pointer)
}
