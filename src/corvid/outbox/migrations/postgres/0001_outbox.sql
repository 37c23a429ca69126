-- SPDX-License-Identifier: Apache-2.0
-- Events that leave with the transaction that wrote them. Rows are inserted and never changed; they lie in eight parts by the
-- hour of their writing, which take turns: a part whose rows have all been sent, and are old, goes by TRUNCATE. An aggregate's
-- rows are in one shard, and each shard has its own sequence: seq % 8 = shard, and seq rises in the order of the commits of an
-- aggregate (docs/decisions/0016). The sequences must keep CACHE 1.
create sequence outbox_seq_0 increment by 8 minvalue 0 start with 0 cache 1;
create sequence outbox_seq_1 increment by 8 minvalue 1 start with 1 cache 1;
create sequence outbox_seq_2 increment by 8 minvalue 2 start with 2 cache 1;
create sequence outbox_seq_3 increment by 8 minvalue 3 start with 3 cache 1;
create sequence outbox_seq_4 increment by 8 minvalue 4 start with 4 cache 1;
create sequence outbox_seq_5 increment by 8 minvalue 5 start with 5 cache 1;
create sequence outbox_seq_6 increment by 8 minvalue 6 start with 6 cache 1;
create sequence outbox_seq_7 increment by 8 minvalue 7 start with 7 cache 1;
create table outbox (
    seq            bigint      not null,
    shard          smallint    not null,
    id             text        not null,
    aggregate_type text        not null,
    aggregate_id   text,
    event_type     text        not null,
    topic          text        not null,
    payload        bytea,
    headers        text        not null,
    created_at     timestamptz not null default clock_timestamp(),
    published_at   timestamptz,
    part           smallint    not null default (extract(epoch from clock_timestamp())::bigint / 3600) % 8,
    primary key (shard, seq, part)
) partition by list (part);
create table outbox_0 partition of outbox for values in (0);
create table outbox_1 partition of outbox for values in (1);
create table outbox_2 partition of outbox for values in (2);
create table outbox_3 partition of outbox for values in (3);
create table outbox_4 partition of outbox for values in (4);
create table outbox_5 partition of outbox for values in (5);
create table outbox_6 partition of outbox for values in (6);
create table outbox_7 partition of outbox for values in (7);

-- Where the relay of each shard is, in numbers seq / 8: all below `reached` has been dealt with, but for `missing`, a list of
-- ranges [from, to). epoch fences a relay that has lost its shard.
create table outbox_positions (
    shard       smallint    primary key,
    owner       text,
    epoch       bigint      not null default 0,
    lease_until timestamptz,
    reached     bigint      not null default 0,
    missing     text        not null default '[]',
    frontier    bigint      not null default 0, -- the lowest of them
    saved_at    timestamptz not null default clock_timestamp()
) with (fillfactor = 20);
insert into outbox_positions(shard) select generate_series(0, 7);

create table outbox_relays (
    name       text        primary key,
    lives_until timestamptz not null
) with (fillfactor = 50);

-- Rows that no broker takes, with the reason.
create table outbox_parked (
    seq            bigint      primary key,
    id             text        not null,
    aggregate_type text        not null,
    aggregate_id   text,
    event_type     text        not null,
    topic          text        not null,
    payload        bytea,
    headers        text        not null,
    created_at     timestamptz not null,
    reason         text        not null,
    parked_at      timestamptz not null default clock_timestamp()
);

-- published_at: where rows are not marked, the latest time that it can have been.
create view outbox_status as
select o.seq, o.id, o.aggregate_type, o.aggregate_id, o.event_type, o.topic, o.payload, o.headers, o.created_at,
       case when p.seq is null and d.done then coalesce(o.published_at, r.saved_at) end as published_at,
       case when p.seq is not null then 'parked' when d.done then 'published' else 'pending' end as state,
       p.reason
from outbox o
join outbox_positions r on r.shard = o.shard
left join outbox_parked p on p.seq = o.seq
cross join lateral (select o.seq / 8 < r.reached and not exists (
    select from jsonb_array_elements(r.missing::jsonb) m
    where o.seq / 8 >= (m ->> 0)::bigint and o.seq / 8 < (m ->> 1)::bigint) as done) d;
