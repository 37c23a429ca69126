-- SPDX-License-Identifier: Apache-2.0
-- Parked events are released: sent once more. held: parked only because an earlier event of the aggregate is.
alter table outbox_parked add column held integer not null default false;
alter table outbox_parked add column released_at integer;
create index outbox_parked_released on outbox_parked(seq) where released_at is not null;
create index outbox_parked_aggregate on outbox_parked(aggregate_type, aggregate_id, seq);
create index outbox_parked_id on outbox_parked(id);
