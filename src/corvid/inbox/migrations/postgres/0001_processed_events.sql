-- SPDX-License-Identifier: Apache-2.0
-- The marks of events whose effects are in this database. The primary key is what makes an effect happen once.
create table processed_events (
    event_id       text        not null,
    consumer_group text        not null,
    topic          text,
    partition      integer,
    "offset"       bigint,
    event_type     text,
    correlation_id text,
    processed_at   timestamptz not null default now(),
    primary key (consumer_group, event_id)
);
create index processed_events_processed_at on processed_events using brin (processed_at);
