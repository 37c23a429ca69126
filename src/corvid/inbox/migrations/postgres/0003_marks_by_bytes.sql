-- SPDX-License-Identifier: Apache-2.0
-- The marks' key is compared byte by byte, the id first: PostgreSQL asks the C library for each other comparison. This
-- builds three indexes anew; marks wait meanwhile (some seconds a million).
alter table processed_events_0 drop constraint processed_events_0_pkey;
alter table processed_events_1 drop constraint processed_events_1_pkey;
alter table processed_events_2 drop constraint processed_events_2_pkey;
alter table processed_events alter column event_id type text collate "C", alter column consumer_group type text collate "C";
alter table processed_events_0 add primary key (event_id, consumer_group);
alter table processed_events_1 add primary key (event_id, consumer_group);
alter table processed_events_2 add primary key (event_id, consumer_group);
