// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"

namespace corvid::conformance {

namespace {

std::optional<std::string> text_of(const optional_bytes& bytes) {
    return bytes ? std::optional(std::string(bytes.text())) : std::nullopt;
}

seen_record note(const record& one, const record_batch& batch) {
    seen_record seen{.key = text_of(one.key),
                     .value = text_of(one.value),
                     .headers = {},
                     .offset = one.offset,
                     .timestamp = one.timestamp};
    for (const header_view& header : batch.headers_of(one))
        seen.headers.emplace_back(std::string(header.name), text_of(header.value));
    return seen;
}

struct answered_request : broker::offset_request {
    answered_request() : offset_request(&answered_request::go) {}
    static void go(work& self) noexcept { static_cast<answered_request&>(self).over.set(); }
    signal over;
};

} // namespace

group_reader::group_reader(broker_under_test& under, broker::source_settings settings, member_habits habits)
    : under_(under),
      thread_(under.root().run_thread(settings.client_id, [](scheduler&) {})),
      habits_(habits) {
    run_on(under_, thread_->loop(),
           [&] { member_ = under_.cluster().join(settings, thread_->loop(), *this); });
}

group_reader::~group_reader() {
    if (!member_.source) return;
    if (!now().is_closed) close();
    vanish();
}

void group_reader::vanish() {
    run_on(under_, thread_->loop(), [&] {
        member_ = {};
        notes_.owned.clear();
    });
}

void group_reader::start_close() {
    run_on(under_, thread_->loop(), [&] { member_.source->close(); });
}

void group_reader::close() {
    run_on(under_, thread_->loop(), [&] {
        habits_ = {};
        member_.source->close();
        if (notes_.revoke_waits) do_release();
        pump();
    });
    EXPECT_TRUE(await([](const notes& all) { return all.is_closed; })) << "no closed event came";
}

// ---- on the loop
// ---------------------------------------------------------------------------------------------------

void group_reader::pump() {
    if (!member_.source) return;
    EXPECT_EQ(scheduler::current(), &thread_->loop());
    while (auto event = member_.source->next_event())
        std::visit([&](auto& one) { on(one); }, *event);
    if (!habits_.takes) return;
    for (const auto& [where, place] : notes_.owned)
        while (do_take(where, habits_.most) != 0) {}
}

void group_reader::on(broker::assigned& event) {
    ++notes_.assignments;
    std::vector<broker::start_at> starts;
    for (const broker::assigned_partition& one : event.partitions) {
        EXPECT_FALSE(notes_.owned.contains(one.where)) << to_string(one.where) << " was assigned twice";
        notes_.owned[one.where] = {.id = one.id, .accepted = habits_.accepts};
        starts.push_back({.id = one.id});
    }
    if (habits_.accepts) member_.source->accept(starts);
}

void group_reader::on(broker::revoked& event) {
    ++(event.lost ? notes_.losses : notes_.revokes);
    for (const broker::assigned_partition& one : event.partitions) {
        EXPECT_TRUE(notes_.owned.contains(one.where)) << to_string(one.where) << " was not this member's";
        given_back_.push_back(one.where);
    }
    notes_.revoke_waits = true;
    if (habits_.releases) do_release();
}

void group_reader::do_release() {
    for (const topic_partition& one : given_back_)
        notes_.owned.erase(one);
    given_back_.clear();
    notes_.revoke_waits = false;
    member_.source->release();
}

std::size_t group_reader::do_take(const topic_partition& from, std::size_t most) {
    const auto place = notes_.owned.find(from);
    if (place == notes_.owned.end()) return 0;
    const record_batch batch = member_.source->take(place->second.id, most);
    EXPECT_LE(batch.size(), most);
    for (const record& one : batch.records())
        notes_.records[from].push_back(note(one, batch));
    return batch.size();
}

// ---- from the test
// -------------------------------------------------------------------------------------------------

group_reader::notes group_reader::now() {
    notes copy;
    run_on(under_, thread_->loop(), [&] { copy = notes_; });
    return copy;
}

bool group_reader::await(const std::function<bool(const notes&)>& holds) {
    const steady_time limit = under_.root().steady_now() + under_.patience();
    for (bool yes = false;; let_pass(under_, 2ms)) {
        run_on(under_, thread_->loop(), [&] { yes = holds(notes_); });
        if (yes || under_.root().steady_now() >= limit) return yes;
    }
}

bool group_reader::await_owned(std::size_t partitions) {
    return await([&](const notes& all) { return all.owned.size() == partitions; });
}

bool group_reader::await_records(const topic_partition& from, std::size_t count) {
    return await([&](const notes& all) {
        const auto found = all.records.find(from);
        return found != all.records.end() && found->second.size() >= count;
    });
}

void group_reader::accept(const topic_partition& which, std::optional<offset> at) {
    run_on(under_, thread_->loop(), [&] {
        held& place = notes_.owned.at(which);
        place.accepted = true;
        const broker::start_at start{.id = place.id, .at = at};
        member_.source->accept({&start, 1});
        pump();
    });
}

void group_reader::release() {
    run_on(under_, thread_->loop(), [&] { do_release(); });
}

void group_reader::change(member_habits habits) {
    run_on(under_, thread_->loop(), [&] {
        habits_ = habits;
        pump();
    });
}

std::size_t group_reader::take(const topic_partition& from, std::size_t most) {
    std::size_t count = 0;
    run_on(under_, thread_->loop(), [&] { count = do_take(from, most); });
    return count;
}

broker::partition_progress group_reader::progress(const topic_partition& of) {
    broker::partition_progress found;
    run_on(under_, thread_->loop(), [&] {
        const auto place = notes_.owned.find(of);
        if (place != notes_.owned.end()) found = member_.source->progress(place->second.id);
    });
    return found;
}

std::vector<broker::committed_offset> group_reader::request(std::vector<broker::committed_offset> offsets,
                                                            bool commits) {
    auto asked = std::make_unique<answered_request>();
    asked->offsets = std::move(offsets);
    run_on(under_, thread_->loop(), [&] {
        if (commits)
            member_.offsets->commit(*asked);
        else
            member_.offsets->committed(*asked);
    });
    if (!under_.root().wait(asked->over, under_.root().steady_now() + under_.patience())) {
        std::ignore = asked.release(); // it may still be answered
        throw std::runtime_error("an offset request was not answered");
    }
    if (asked->failure)
        for (broker::committed_offset& one : asked->offsets)
            one.failure = asked->failure;
    return std::move(asked->offsets);
}

std::vector<broker::committed_offset> group_reader::commit(std::vector<broker::committed_offset> offsets) {
    return request(std::move(offsets), true);
}

std::vector<broker::committed_offset> group_reader::committed(std::vector<topic_partition> of) {
    std::vector<broker::committed_offset> asked;
    for (topic_partition& one : of)
        asked.push_back({.where = std::move(one)});
    return request(std::move(asked), false);
}

std::vector<std::string> group_reader::values(const topic_partition& of) {
    const std::vector<seen_record> seen = now().records[of];
    std::vector<std::string> all;
    for (const seen_record& one : seen)
        all.push_back(one.value.value_or("(null)"));
    return all;
}

} // namespace corvid::conformance
