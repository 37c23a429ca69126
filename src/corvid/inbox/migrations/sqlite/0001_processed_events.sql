-- SPDX-License-Identifier: Apache-2.0
-- The marks of events whose effects are in this database. The primary key is what makes an effect happen once.
-- processed_at is in microseconds since 1970, UTC.
create table processed_events (
    event_id       text    not null,
    consumer_group text    not null,
    topic          text,
    partition      integer,
    "offset"       integer,
    event_type     text,
    correlation_id text,
    processed_at   integer not null default (cast((julianday('now') - 2440587.5) * 86400000000 as integer)),
    primary key (consumer_group, event_id)
) without rowid;
create index processed_events_processed_at on processed_events(processed_at);

-- How long each group wants its marks kept; the longest decides. Delete the row of a group that is no more.
create table processed_events_groups (
    consumer_group    text    primary key,
    retention_seconds integer not null
) without rowid;
