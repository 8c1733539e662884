-- The quarantine as a table of its own: what became of each record, and who decided it.
alter table gk.quarantine
    add column state text not null default 'open'
        constraint quarantine_state_check check (state in ('open', 'resubmitted', 'discarded')),
    add column changed_at timestamptz,
    add column changed_by text,
    -- Of a resubmitted one: the version that has it as a row.
    add column version bigint;
-- Newest import first, each in the file's order: a page goes on from wherever the one before ended.
create index quarantine_order on gk.quarantine (dataset, (-commit), record);
-- How many there are of each reason and file.
create index quarantine_groups on gk.quarantine (dataset, state, upload, code);

-- Nobody sees a record before its import is published. Of one that was undone or replaced they stay.
create view gk.quarantined as
    select q.*, i.file_name from gk.quarantine q
    join gk.commit c on c.dataset = q.dataset and c.id = q.commit and c.state in ('published', 'undone', 'swept')
    join gk.import i on i.upload = q.upload and i.state = 'published';

-- Open records, so that a list of datasets need not count them.
alter table gk.dataset add column quarantined bigint not null default 0;
update gk.dataset d set quarantined =
    (select count(*) from gk.quarantined q where q.dataset = d.no and q.state = 'open');

-- Column id to contracts::rules::Rules: what holds now for everything that is written. A plan keeps those that its load goes by, so
-- that a load that goes on, or is done again, comes to the same batches.
alter table gk.dataset add column rules jsonb not null default '{}';
alter table gk.plan add column rules jsonb not null default '{}';
