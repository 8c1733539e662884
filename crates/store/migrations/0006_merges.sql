-- Upsert and sync. What such an import writes is one commit of kind `merge`, drawn under the lock of its publish; the import's own
-- commit only stages the file's rows.
alter table gk.commit drop constraint commit_kind_check;
alter table gk.commit add constraint commit_kind_check
    check (kind in ('import', 'grid', 'restore', 'api', 'hide', 'merge'));

-- How the staged rows differ from a head: which one, and the counts (store::merge).
alter table gk.plan add column difference jsonb;
