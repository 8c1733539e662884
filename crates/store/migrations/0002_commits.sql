-- Changes by hand. A client that did not hear the answer sends the same commit again with the same key and gets the version that
-- the first one made; the fingerprint tells another request under the same key.
alter table gk.commit
    add column idempotency_key text,
    add column fingerprint bytea;
create unique index commit_idempotency_key on gk.commit (dataset, author, idempotency_key) where idempotency_key is not null;
