-- Widgets. Each has a materialized view data.w_<no>_<revision> of its own, which carries the version of its numbers; a changed
-- definition makes a new revision, so that nobody reads the numbers of one by the columns of the other.
create table gk.widget (
    no bigint generated always as identity constraint widget_pkey primary key,
    id text not null constraint widget_id_key unique,
    dataset bigint not null constraint widget_dataset_fkey references gk.dataset (no) on delete cascade,
    definition jsonb not null,
    -- The statement the view was made by; null while there is no view.
    sql text,
    revision int not null default 0,
    -- Array of contracts::widget::SeriesColumn.
    columns jsonb not null default '[]',
    -- The version that was looked at last, with or without success.
    version bigint,
    refreshed_at timestamptz,
    -- Of a number: its row at the version that was shown before.
    previous jsonb,
    problem jsonb,
    created_at timestamptz not null default now()
);
create index widget_dataset on gk.widget (dataset);
