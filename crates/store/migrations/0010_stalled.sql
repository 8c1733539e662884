-- Imports that somebody should work on and nobody does (store::stalled). `moved_at` is when a worker last took the lease or gave it
-- back, or the import was planned anew; with `work_owed_at` a message to the work queue is owed since then.
alter table gk.import
    add column moved_at timestamptz not null default clock_timestamp(),
    add column work_owed_at timestamptz,
    -- How often somebody was sent for in vain, when last, and where the import stood then.
    add column rescues int not null default 0,
    add column rescued_at timestamptz,
    add column rescued_where text,
    -- Which of the files under its name came through a drop folder: whoever reads it, it must be that one.
    add column dropped_etag text;
