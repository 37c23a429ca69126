-- SPDX-License-Identifier: Apache-2.0
-- Mark by offset: the effects of all records of a partition below next_offset are in this database, and no others.
create table processed_offsets (
    consumer_group text        not null,
    topic          text        not null,
    partition      integer     not null,
    next_offset    bigint      not null check (next_offset >= 0),
    updated_at     timestamptz not null default now(),
    primary key (consumer_group, topic, partition)
) with (fillfactor = 50);
