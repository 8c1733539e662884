//! The further tables of files that have several: etl is asked to read each when its turn has come. At least once: a kill between
//! asking and marking asks the same again.

use contracts::events::Work;
use futures::{FutureExt as _, future::BoxFuture};

use crate::{Deps, error::Error};

const AT_ONCE: u32 = 100;
/// Of an import that has no plan yet.
const FIRST_GENERATION: i32 = 1;

/// Asks for those whose turn it is. Boxed, because all in one future is deeper than the compiler cares to lay out.
pub fn ask_for_tables(deps: &Deps) -> BoxFuture<'_, Result<(), Error>> {
    ask(deps).boxed()
}

async fn ask(deps: &Deps) -> Result<(), Error> {
    let waiting = deps.store.tables_to_read(AT_ONCE).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    for &upload in &waiting {
        let work = Work::Analyse {
            upload,
            generation: FIRST_GENERATION,
        };
        deps.work.send(&serde_json::to_string(&work)?).await?;
    }
    deps.store.tables_asked(&waiting).await?;
    Ok(())
}
