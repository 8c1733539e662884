-- Drop folders. What became of a dropped file is written beside it: owed from the moment its import is final until it is told.
alter table gk.import
    add column outcome_key text,
    add column outcome_told_at timestamptz;
create index import_outcome_owed on gk.import (upload) where outcome_key is not null and outcome_told_at is null;

-- Inbound webhooks. The keys stand here as they are, because checking a signature takes the key itself; nothing reads them out again.
create table gk.hook (
    id text constraint hook_pkey primary key,
    dataset bigint not null constraint hook_dataset_fkey references gk.dataset (no) on delete cascade,
    name text not null,
    mode text not null,
    key_columns text[] not null default '{}',
    options jsonb not null default '{}',
    secret text not null,
    -- During a rotation the former key is good too.
    former_secret text,
    former_until timestamptz,
    paused_at timestamptz,
    created_at timestamptz not null default now()
);
create index hook_dataset on gk.hook (dataset, id);

-- A message that was taken, once by its sender's own id of it; the fingerprint tells another body under the same id.
create table gk.hook_delivery (
    hook text not null constraint hook_delivery_hook_fkey references gk.hook (id) on delete cascade,
    message text not null,
    upload text not null constraint hook_delivery_upload_key unique,
    fingerprint bytea not null,
    bytes bigint not null,
    received_at timestamptz not null default clock_timestamp(),
    constraint hook_delivery_pkey primary key (hook, message)
);
create index hook_delivery_received on gk.hook_delivery (hook, upload);
