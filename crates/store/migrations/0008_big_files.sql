-- An analysis that is longer than one invocation: what it had gathered, and of which object. A row of its own, so that what updates
-- the import every second does not write it again; it goes with the plan, or with the import's end.
create table gk.analysis (
    upload text constraint analysis_pkey primary key constraint analysis_upload_fkey references gk.import (upload) on delete cascade,
    generation int not null,
    object jsonb not null,
    state bytea not null
);
-- It is packed already.
alter table gk.analysis alter column state set storage external;

-- Since when the file is being analysed, or loaded: how fast it goes is reckoned from then.
alter table gk.import add column stage_since timestamptz;
