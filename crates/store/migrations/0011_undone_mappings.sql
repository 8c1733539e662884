-- A mapping holds from the version that taught it up to the one that undid that, or that taught another for the same header: restoring
-- a version brings back what held then.
alter table gk.mapping
    add column v_from bigint not null default 0,
    add column v_to bigint not null default 9223372036854775807;
alter table gk.mapping drop constraint mapping_pkey;
alter table gk.mapping add constraint mapping_pkey primary key (dataset, fingerprint, v_from);
