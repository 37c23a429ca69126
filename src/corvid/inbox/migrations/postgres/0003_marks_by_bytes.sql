-- SPDX-License-Identifier: Apache-2.0
-- The marks' key is compared byte by byte, the id first: PostgreSQL asks the C library for each other comparison. This
-- builds three indexes anew (some seconds a million marks); whoever marks waits meanwhile. The locks are taken in the order in
-- which writers take them: the part that is written, then the one before it; readers begin at the parent.
do $$
declare
    part bigint := (select turn / 2 % 3 from processed_events_turn);
begin
    lock table only processed_events in access exclusive mode;
    execute format('lock table processed_events_%s, processed_events_%s, processed_events_%s in access exclusive mode',
                   part, (part + 2) % 3, (part + 1) % 3);
end $$;
alter table processed_events_0 drop constraint processed_events_0_pkey;
alter table processed_events_1 drop constraint processed_events_1_pkey;
alter table processed_events_2 drop constraint processed_events_2_pkey;
alter table processed_events alter column event_id type text collate "C", alter column consumer_group type text collate "C";
alter table processed_events_0 add primary key (event_id, consumer_group);
alter table processed_events_1 add primary key (event_id, consumer_group);
alter table processed_events_2 add primary key (event_id, consumer_group);
analyze processed_events_0, processed_events_1, processed_events_2;
