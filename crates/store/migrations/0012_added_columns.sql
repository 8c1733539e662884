-- The columns (contracts::dataset::Column) that a plan adds to the dataset. Those of plans that were never published are free again.
alter table gk.plan add column added jsonb not null default '[]';
