-- The versioned table's catalogue, imports and identity. User tables live in schema `data` and are made at run time.
create schema gk;
create schema data;

-- Members and API tokens stand beside the grants, so that presign and data-api need no MongoDB to know who asks.
create table gk.member (
    id text constraint member_pkey primary key,
    email text not null,
    name text not null,
    created_at timestamptz not null default now()
);
create index member_email on gk.member (lower(email), id);

create table gk.api_token (
    id text constraint api_token_pkey primary key,
    member text not null constraint api_token_member_fkey references gk.member (id) on delete cascade,
    -- SHA-256 of the token: a leaked table opens nothing.
    hash bytea not null constraint api_token_hash_key unique,
    name text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz
);

-- `no` names the tables data.d_<no>, data.d_<no>_history, data.d_<no>_blocks. Half of each page is left free, because
-- every commit updates its dataset's row.
create table gk.dataset (
    no bigint generated always as identity constraint dataset_pkey primary key,
    id text not null constraint dataset_id_key unique,
    name text not null,
    created_by text not null,
    created_at timestamptz not null default now(),
    deleted_at timestamptz,
    head bigint not null default 0,
    max_commit bigint not null default 0,
    hidden bigint[] not null default '{}',
    next_commit bigint not null default 1,
    next_row bigint not null default 1,
    next_column int not null default 1,
    rows bigint not null default 0
) with (fillfactor = 50);

create table gk.dataset_grant (
    dataset bigint not null constraint dataset_grant_dataset_fkey references gk.dataset (no) on delete cascade,
    member text not null,
    role text not null constraint dataset_grant_role_check check (role in ('viewer', 'editor', 'owner')),
    granted_at timestamptz not null default now(),
    constraint dataset_grant_pkey primary key (member, dataset)
);

-- Ids come from the dataset's own counter under its row lock: a sequence would let a later id publish before an earlier one
-- is recorded. A replace takes a second one, of kind `hide`, under the lock of its publish: what it moves to history must die
-- after every commit so far, and its own id may be older than those.
create table gk.commit (
    dataset bigint not null constraint commit_dataset_fkey references gk.dataset (no) on delete cascade,
    id bigint not null,
    kind text not null constraint commit_kind_check check (kind in ('import', 'grid', 'restore', 'api', 'hide')),
    state text not null constraint commit_state_check check (state in ('open', 'published', 'aborted', 'undone', 'swept')),
    row_lo bigint,
    row_hi bigint,
    hidden_by bigint,
    author text,
    message text not null default '',
    upload text,
    created_at timestamptz not null default now(),
    constraint commit_pkey primary key (dataset, id)
);
-- What the sweeper looks for.
create index commit_unswept on gk.commit (dataset, id) where state in ('aborted', 'undone');
create index commit_upload on gk.commit (upload) where state = 'open';

create table gk.version (
    dataset bigint not null constraint version_dataset_fkey references gk.dataset (no) on delete cascade,
    version bigint not null,
    commit bigint not null,
    max_commit bigint not null,
    hidden bigint[] not null,
    rows bigint not null,
    -- The row ids among which this version's rows are: all that were handed out, less the ranges of hidden imports, so that a
    -- page never walks over a million rows that it may not show.
    extent int8multirange not null,
    -- Array of contracts::dataset::Column plus the physical column ("sql": "c1") of each.
    columns jsonb not null,
    receipt jsonb,
    at timestamptz not null,
    constraint version_pkey primary key (dataset, version)
);
create index version_at on gk.version (dataset, at desc);

-- One row per batch that took effect: the exactly-once of promise 4. No foreign key here nor on the quarantine: its check
-- would lock the dataset's row once per batch, and two writers would make a multixact of it each time.
create table gk.ledger (
    dataset bigint not null,
    commit bigint not null,
    batch int not null,
    row_lo bigint not null,
    rows int not null,
    quarantined int not null,
    constraint ledger_pkey primary key (commit, dataset, batch)
);

-- The truth for an upload's state, progress and receipt. MongoDB has who, which file and the link.
create table gk.import (
    upload text constraint import_pkey primary key,
    dataset bigint not null constraint import_dataset_fkey references gk.dataset (no) on delete cascade,
    member text not null,
    file_name text not null,
    mode text not null,
    key_columns text[] not null default '{}',
    options jsonb not null default '{}',
    confirm text not null default 'auto',
    object_key text not null,
    state text not null constraint import_state_check check (state in
        ('created', 'uploaded', 'analysing', 'awaiting_confirmation', 'loading', 'published', 'failed', 'cancelled')),
    generation int not null default 0,
    bytes_total bigint not null,
    bytes_read bigint not null default 0,
    rows_read bigint not null default 0,
    -- Filled at publish; until then the ledger's sum says it, so that writers do not queue for this row.
    rows_written bigint not null default 0,
    version bigint,
    receipt jsonb,
    problem jsonb,
    -- Who works on it; a redelivered event waits until the lease has run out.
    lease_owner text,
    lease_until timestamptz,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    finished_at timestamptz
);
-- Upload ids sort by time.
create index import_member on gk.import (member, upload desc);
create index import_dataset on gk.import (dataset, created_at desc);
create index import_unfinished on gk.import (state, expires_at) where state not in ('published', 'failed', 'cancelled');

-- A generation's plan: first writer wins. `commit` is the one its rows are born in; a newer generation aborts it.
create table gk.plan (
    upload text not null constraint plan_upload_fkey references gk.import (upload) on delete cascade,
    generation int not null,
    plan jsonb not null,
    commit bigint,
    -- The end-of-load message; publish compares the ledger with it.
    end_batches int,
    end_rows bigint,
    end_quarantined bigint,
    -- Where the load goes on.
    checkpoint jsonb,
    constraint plan_pkey primary key (upload, generation)
);

create table gk.quarantine (
    dataset bigint not null,
    commit bigint not null,
    record bigint not null,
    upload text not null,
    byte bigint not null,
    line bigint not null,
    column_name text,
    code text not null,
    message text not null,
    raw text,
    constraint quarantine_pkey primary key (dataset, commit, record)
);

create table gk.warning (
    upload text not null constraint warning_upload_fkey references gk.import (upload) on delete cascade,
    generation int not null,
    no int not null,
    place jsonb not null,
    constraint warning_pkey primary key (upload, generation, no)
);

-- Written by publish in its own transaction, relayed to the VERSIONS stream with `id` as Nats-Msg-Id.
create table gk.outbox (
    id bigint generated always as identity constraint outbox_pkey primary key,
    dataset bigint not null,
    payload jsonb not null,
    created_at timestamptz not null default now(),
    relayed_at timestamptz
);
create index outbox_pending on gk.outbox (id) where relayed_at is null;
