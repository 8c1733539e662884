-- A file may hold several tables. Each but the first is an import of its own of the same object, written with the plan that found it,
-- and read when the consumer asks for it.
alter table gk.import
    -- The first import of its file; null in the first itself.
    add column file_of text,
    -- The import whose plan found it, and which table of the file it is.
    add column found_by text,
    add column part jsonb,
    -- What the table is called; of the first too, once there is another.
    add column label text,
    -- The order of the tables in the file, compared number by number.
    add column place int[] not null default '{}',
    -- When a reading was asked for: asked for again should that be lost.
    add column asked_at timestamptz;
create index import_file on gk.import (file_of, place) where file_of is not null;
create index import_found_by on gk.import (found_by) where found_by is not null;
create index import_to_read on gk.import (file_of, place) where state = 'uploaded';
