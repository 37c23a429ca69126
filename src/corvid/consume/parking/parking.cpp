// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/parking/parking.hpp>

#include <corvid/base/post_call.hpp>
#include <corvid/produce/publisher.hpp>

#include <utility>

namespace corvid {

namespace {

constexpr std::chrono::seconds after_failure(1), patience(10), before_next_warning(60);

} // namespace

parking::parking(tenancy& of, parking_owner& owner, broker::cluster& cluster, scheduler& loop,
                 broker::source_listener& loops, publisher& by)
    : keys(of.origin.where.partition, run::most),
      of_(of),
      owner_(owner),
      cluster_(cluster),
      loop_(loop),
      loops_(loops),
      by_(by) {
    of_keys_ = cluster_.read(
        {topic_name(parked_keys_topic(of_.home, *of_.origin.group)), of_.origin.where.partition}, {}, loop_,
        *this);
    warns_at_ = loop_.steady_now() + patience;
    if (!of_keys_)
        of_.origin.log->error("the topic of dead keys cannot be read; its partition waits",
                              error(errc::unsupported, {.message = "the cluster reads in groups alone",
                                                        .operation = "read",
                                                        .topic = of_.origin.where.topic.str()}));
}

void parking::ready() noexcept {
    is_awake_ = true;
    loops_.ready();
}

void parking::close() noexcept {
    is_closed_ = true;
    of_keys_.reset();
    of_parked_.reset();
    of_.figures.dead_keys.set(0);
}

bool parking::turn(bool may_release) {
    if (is_closed_ || !of_keys_) return false;
    bool came = false;
    if (std::exchange(is_awake_, false) || !keys.is_ready()) came = take_keys();
    if (!keys.is_ready()) warn_when_late();
    if (may_release && keys.begin_pass()) {
        of_parked_ =
            cluster_.read({topic_name(parked_topic(of_.home, *of_.origin.group)), of_.origin.where.partition},
                          {}, loop_, *this);
        came = true;
    }
    if (keys.is_reading()) {
        if (may_release) came |= take_parked();
        settle();
    } else {
        of_parked_.reset();
    }
    if (keys.has_due()) write_due();
    return came;
}

bool parking::take_keys() {
    const record_batch batch = of_keys_->take(run::most);
    for (const record& each : batch.records())
        if (const auto entry = parked_entry::read(each);
            entry && entry->partition == of_.origin.where.partition)
            keys.heard(*entry, each.offset);
    while (const auto why = of_keys_->take_trouble())
        of_.origin.log->warn("the topic of dead keys cannot be read; its partition waits", *why);
    if (!batch.empty()) is_awake_ = true;
    if (keys.is_ready() || !of_keys_->is_at_end()) return !batch.empty();
    keys.caught_up();
    of_.figures.dead_keys.set(static_cast<double>(keys.size()));
    return true;
}

// Not every client says that a topic is not there.
void parking::warn_when_late() {
    const steady_time now = loop_.steady_now();
    if (now < warns_at_) return;
    warns_at_ = now + before_next_warning;
    of_.origin.log->warn("a partition waits until its dead keys are known: is their topic there?",
                         {{"topic", parked_keys_topic(of_.home, *of_.origin.group)},
                          {"partition", of_.origin.where.partition.value}});
}

bool parking::take_parked() {
    while (const auto why = of_parked_->take_trouble())
        of_.origin.log->warn("parked records cannot be read; their keys wait", *why);
    if (!keys.has_room()) return false;
    const record_batch batch = of_parked_->take(run::most);
    for (const record& each : batch.records())
        give_on(each, batch);
    if (of_parked_->is_at_end()) keys.reached_end();
    return !batch.empty();
}

void parking::give_on(const record& what, const record_batch& batch) {
    const auto origin = parked_origin::read(batch.headers_of(what));
    const bool is_ours = origin && what.key && origin->where == of_.origin.where;
    switch (keys.came(is_ours ? what.key.text() : std::string_view(), is_ours ? origin->at : offset(-1),
                      what.offset)) {
    case dead_keys::handed::runs: {
        record source = what;
        source.offset = origin->at.value;
        of_.figures.unparked.add();
        return owner_.place_released(of_, source, origin->its_headers);
    }
    case dead_keys::handed::dropped:
        of_.figures.discarded.add();
        return say("a parked record is discarded", "discard", origin->at.value);
    case dead_keys::handed::nothing:
        return;
    }
}

void parking::settle() {
    for (const dead_keys::lived& each : keys.settle()) {
        say("a key lives again", to_string(each.how), static_cast<std::int64_t>(each.records));
        of_.figures.dead_keys.set(static_cast<double>(keys.size()));
        loops_.ready();
    }
}

void parking::say(std::string_view text, std::string_view how, std::int64_t number) {
    of_.origin.log->info(text, {{"topic", of_.origin.where.topic.str()},
                                {"partition", of_.origin.where.partition.value},
                                {"how", how},
                                {text.ends_with("again") ? "records" : "offset", number}});
}

void parking::write_due() {
    if (loop_.steady_now() < writes_after_) return;
    for (const parked_entry& each : keys.due())
        write(each);
}

void parking::write(const parked_entry& entry) {
    ++of_.at_work;
    send_parked_entry(by_, of_.home, *of_.origin.group, entry, [this, entry](result<offset> answer) {
        post_call(loop_, [this, entry, answer = std::move(answer)]() noexcept { answered(entry, answer); });
    });
}

// What could not be written is due again, later.
void parking::answered(const parked_entry& what, const result<offset>& answer) {
    if (answer) {
        keys.wrote(what, answer->value);
    } else {
        keys.failed(what);
        writes_after_ = loop_.steady_now() + after_failure;
        of_.origin.log->warn("the topic of dead keys cannot be written; it is tried again", answer.error());
    }
    owner_.answered(of_);
}

} // namespace corvid
