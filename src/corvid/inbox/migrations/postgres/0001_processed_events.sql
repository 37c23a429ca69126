-- SPDX-License-Identifier: Apache-2.0
-- The marks of events whose effects are in this database. processed_events is read as one table; its rows are in three
-- parts that are written in turn, so that old marks go by TRUNCATE of a part that nobody writes any more: no dead rows, no
-- lock that a writer waits for. How the turns keep an event's effect single: docs/decisions/0009.
create table processed_events (
    event_id       text        not null,
    consumer_group text        not null,
    topic          text,
    partition      integer,
    "offset"       bigint,
    event_type     text,
    correlation_id text,
    processed_at   timestamptz not null default now(),
    constraint processed_events_rows_are_in_its_parts check (false) no inherit
);
create table processed_events_0 (primary key (consumer_group, event_id)) inherits (processed_events);
create table processed_events_1 (primary key (consumer_group, event_id)) inherits (processed_events);
create table processed_events_2 (primary key (consumer_group, event_id)) inherits (processed_events);

-- turn 2n: part n mod 3 is written, the part before it is looked into. 2n+1: parts n and n+1 are written.
create table processed_events_turn (
    only_row   boolean     primary key default true check (only_row),
    turn       bigint      not null,
    barrier    xid8,
    changed_at timestamptz not null default now()
);
insert into processed_events_turn(turn) values (0);

-- How long each group wants its marks kept; the longest decides. Delete the row of a group that is no more.
create table processed_events_groups (
    consumer_group    text   primary key,
    retention_seconds bigint not null
);
