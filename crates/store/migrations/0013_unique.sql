-- Of an import whose plan asks for unique values (store::unique): the version that its rows were held against, so that it is done again
-- when another has been published since.
alter table gk.plan add column judged bigint;
