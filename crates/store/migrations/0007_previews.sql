-- Previews. The rows of an import that asks first are loaded before, invisible: `confirmed` is the generation that somebody has said
-- yes to, and `waiting_since` when the newest one began to wait for that.
alter table gk.import
    add column confirmed int,
    add column waiting_since timestamptz;
create index import_waiting on gk.import (waiting_since) where confirm = 'ask' and confirmed is null
    and state not in ('published', 'failed', 'cancelled');

-- Record numbers of a batch's first rows, for the few batches that a preview shows.
alter table gk.ledger add column shown jsonb;

-- Where the columns of a file went that was published: the next one with the same header goes there too. `columns` has the id of the
-- dataset's column by the file's name for it, null for one that was left out.
create table gk.mapping (
    dataset bigint not null constraint mapping_dataset_fkey references gk.dataset (no) on delete cascade,
    -- SHA-256 of the header: headers can be longer than an index takes.
    fingerprint bytea not null,
    header jsonb not null,
    columns jsonb not null,
    published_at timestamptz not null default clock_timestamp(),
    constraint mapping_pkey primary key (dataset, fingerprint)
);
