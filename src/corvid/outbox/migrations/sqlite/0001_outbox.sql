-- SPDX-License-Identifier: Apache-2.0
-- Events that leave with the transaction that wrote them. Rows are inserted and never changed; those that have been sent, and
-- are old, are deleted. There is one writer at a time, so seq rises in the order of commits. Times are in microseconds since
-- 1970, UTC.
create table outbox (
    seq            integer primary key autoincrement,
    shard          integer not null default 0,
    id             text    not null,
    aggregate_type text    not null,
    aggregate_id   text,
    event_type     text    not null,
    topic          text    not null,
    payload        blob,
    headers        text    not null,
    created_at     integer not null default (cast((julianday('now') - 2440587.5) * 86400000000 as integer)),
    published_at   integer
);

-- Where the relay is: all below `reached` has been dealt with, but for `missing`, a list of ranges [from, to). epoch fences a
-- relay that has lost its turn.
create table outbox_positions (
    shard       integer primary key,
    owner       text,
    epoch       integer not null default 0,
    lease_until integer,
    reached     integer not null default 0,
    missing     text    not null default '[]',
    frontier    integer not null default 0, -- the lowest of them
    saved_at    integer not null default (cast((julianday('now') - 2440587.5) * 86400000000 as integer))
);
insert into outbox_positions(shard) values (0);

create table outbox_relays (
    name       text    primary key,
    lives_until integer not null
) without rowid;

-- Rows that no broker takes, with the reason.
create table outbox_parked (
    seq            integer primary key,
    id             text    not null,
    aggregate_type text    not null,
    aggregate_id   text,
    event_type     text    not null,
    topic          text    not null,
    payload        blob,
    headers        text    not null,
    created_at     integer not null,
    reason         text    not null,
    parked_at      integer not null default (cast((julianday('now') - 2440587.5) * 86400000000 as integer))
);

-- published_at: where rows are not marked, the latest time that it can have been.
create view outbox_status as
select seq, id, aggregate_type, aggregate_id, event_type, topic, payload, headers, created_at,
       case when reason is null and done then coalesce(published_at, saved_at) end as published_at,
       case when reason is not null then 'parked' when done then 'published' else 'pending' end as state,
       reason
from (select o.*, r.saved_at, p.reason,
             o.seq < r.reached and not exists (
                 select 1 from json_each(r.missing) m
                 where o.seq >= json_extract(m.value, '$[0]') and o.seq < json_extract(m.value, '$[1]')) as done
      from outbox o join outbox_positions r on r.shard = o.shard left join outbox_parked p on p.seq = o.seq);
