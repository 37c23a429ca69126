-- SPDX-License-Identifier: Apache-2.0
-- Mark by offset: the effects of all records of a partition below next_offset are in this database, and no others.
create table processed_offsets (
    consumer_group text    not null,
    topic          text    not null,
    partition      integer not null,
    next_offset    integer not null check (next_offset >= 0),
    updated_at     integer not null default (cast((julianday('now') - 2440587.5) * 86400000000 as integer)),
    primary key (consumer_group, topic, partition)
) without rowid;
