//! Statements on a dataset's tables at a version. Each reads the live table and, where the version is not the head any more,
//! history, and asks which of the two it is within itself: between two statements an edit could carry a row from one to the
//! other. The version's own numbers come from its [`Snapshot`], which never changes.

use sqlx::{
    Arguments as _, AssertSqlSafe, Encode, Postgres, Type,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use crate::{Error, Result, Snapshot, tables};

/// Values bound so far.
#[derive(Default)]
pub(crate) struct Binds {
    arguments: PgArguments,
    count: usize,
    /// All of them as text: two statements of the same text with the same fingerprint mean the same.
    pub(crate) fingerprint: String,
}

impl Binds {
    /// Binds a value and gives its place.
    pub(crate) fn add<T>(&mut self, value: T) -> Result<String>
    where
        T: Encode<'static, Postgres> + Type<Postgres> + std::fmt::Debug + Send + 'static,
    {
        self.fingerprint.push_str(&format!("{value:?};"));
        self.arguments
            .add(value)
            .map_err(|error| Error::Database(sqlx::Error::Encode(error)))?;
        self.count += 1;
        Ok(format!("${}", self.count))
    }

    /// Binds many values at once, for a statement that nobody keeps the answer of.
    pub(crate) fn add_bulk<T>(&mut self, values: Vec<T>) -> Result<String>
    where
        Vec<T>: Encode<'static, Postgres> + Type<Postgres> + Send + 'static,
    {
        self.arguments
            .add(values)
            .map_err(|error| Error::Database(sqlx::Error::Encode(error)))?;
        self.count += 1;
        Ok(format!("${}", self.count))
    }

    pub(crate) fn query(self, sql: String) -> Query<'static, Postgres, PgArguments> {
        sqlx::query_with(AssertSqlSafe(sql), self.arguments)
    }

    pub(crate) async fn fetch(self, sql: String, pool: &sqlx::PgPool) -> Result<Vec<PgRow>> {
        Ok(self.query(sql).fetch_all(pool).await?)
    }
}

/// `select … from … where …` of the rows that the head shows, whichever it is when the statement runs: for views, which have no
/// parameters. `and` may follow.
pub(crate) fn head_rows(dataset_no: i64, columns: &str) -> String {
    let of_head = |what: &str| format!("(select {what} from gk.dataset where no = {dataset_no})");
    format!(
        "select {columns} from {} where born <= {} and born <> all({}::bigint[])",
        tables::live(dataset_no),
        of_head("max_commit"),
        of_head("hidden"),
    )
}

/// How a condition gets its values: each method gives the text that stands for one.
pub(crate) trait Values {
    fn int(&mut self, value: i64) -> Result<String>;
    fn float(&mut self, value: f64) -> Result<String>;
    fn boolean(&mut self, value: bool) -> Result<String>;
    /// A value by its text, which must be one of this type.
    fn text(&mut self, value: String, sql_type: &str) -> Result<String>;
}

impl Values for Binds {
    fn int(&mut self, value: i64) -> Result<String> {
        self.add(value)
    }

    fn float(&mut self, value: f64) -> Result<String> {
        self.add(value)
    }

    fn boolean(&mut self, value: bool) -> Result<String> {
        self.add(value)
    }

    fn text(&mut self, value: String, sql_type: &str) -> Result<String> {
        let place = self.add(value)?;
        Ok(if sql_type == "text" {
            format!("{place}::text")
        } else {
            format!("{place}::text::{sql_type}")
        })
    }
}

/// Written out: a view's statement has no parameters.
pub(crate) struct Literals;

impl Values for Literals {
    fn int(&mut self, value: i64) -> Result<String> {
        Ok(format!("'{value}'::bigint"))
    }

    fn float(&mut self, value: f64) -> Result<String> {
        Ok(format!("'{value:?}'::double precision"))
    }

    fn boolean(&mut self, value: bool) -> Result<String> {
        Ok(value.to_string())
    }

    fn text(&mut self, value: String, sql_type: &str) -> Result<String> {
        Ok(format!("{}::{sql_type}", quoted(&value)))
    }
}

/// A text as a literal. `E''` with the backslash doubled means the same whatever `standard_conforming_strings` says.
pub(crate) fn quoted(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// The two tables that hold a version's rows, each with the condition that picks them.
pub(crate) struct Sources {
    branches: [(String, String); 2],
}

impl Sources {
    pub(crate) fn new(snapshot: &Snapshot, binds: &mut Binds) -> Result<Self> {
        let max = binds.add(snapshot.max_commit)?;
        let mut born = format!("born <= {max}");
        if !snapshot.hidden.is_empty() {
            born.push_str(&format!(
                " and born <> all({}::bigint[])",
                binds.add(snapshot.hidden.clone())?
            ));
        }
        let (no, version) = (
            binds.add(snapshot.dataset_no)?,
            binds.add(snapshot.version)?,
        );
        // Evaluated once, before the scan: at the head, history is not touched.
        let died = format!(
            "{born} and died > {max} and (select head from gk.dataset where no = {no}) > {version}"
        );
        Ok(Self {
            branches: [
                (tables::live(snapshot.dataset_no), born),
                (tables::history(snapshot.dataset_no), died),
            ],
        })
    }

    /// `(live) union all (history)`, each made of its table and condition: whatever orders or limits belongs inside, or both
    /// tables would be sorted whole.
    pub(crate) fn union(&self, branch: impl Fn(&str, &str) -> String) -> String {
        let [live, history] = &self.branches;
        format!(
            "({}) union all ({})",
            branch(&live.0, &live.1),
            branch(&history.0, &history.1)
        )
    }
}
