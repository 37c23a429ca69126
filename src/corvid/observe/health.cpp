// SPDX-License-Identifier: Apache-2.0
#include <corvid/observe/health.hpp>

#include <corvid/observe/detail/json_text.hpp>

#include <algorithm>
#include <exception>
#include <map>
#include <mutex>

namespace corvid {

struct health_registry::shared {
    struct row {
        probe kind;
        std::string name;
        check function;
    };
    mutable std::mutex mutex; // held while checks run: who removes one knows that it has returned
    std::map<std::uint64_t, row> rows;
    std::uint64_t next_id = 1;
};

namespace {

health_status run(const health_registry::check& function) {
    try {
        return function();
    } catch (const std::exception& thrown) {
        return {.ok = false, .detail = std::string("the check threw: ") + thrown.what()};
    } catch (...) {
        return {.ok = false, .detail = "the check threw"};
    }
}

} // namespace

health_registry::health_registry() : shared_(std::make_shared<shared>()) {}
health_registry::~health_registry() = default;

health_registry::registration health_registry::add(probe kind, std::string name, check function) {
    registration handle;
    const std::scoped_lock lock(shared_->mutex);
    handle.id_ = shared_->next_id++;
    shared_->rows.insert({handle.id_, shared::row{kind, std::move(name), std::move(function)}});
    handle.shared_ = shared_;
    return handle;
}

health_report health_registry::report(probe kind) const {
    health_report answer;
    {
        const std::scoped_lock lock(shared_->mutex);
        for (const auto& [id, row] : shared_->rows)
            if (row.kind == kind) answer.checks.push_back({row.name, run(row.function)});
    }
    std::ranges::sort(answer.checks, {}, &health_report::entry::name);
    answer.ok = std::ranges::all_of(answer.checks, [](const auto& entry) { return entry.status.ok; });
    return answer;
}

std::string health_report::to_json(bool verbose) const {
    const auto word = [](bool good) { return good ? R"("ok")" : R"("failing")"; };
    std::string text = R"({"status":)";
    text += word(ok);
    if (verbose) {
        text += R"(,"checks":[)";
        for (const entry& each : checks) {
            if (&each != checks.data()) text += ',';
            text += R"({"name":)";
            detail::append_json(text, each.name);
            text.append(R"(,"status":)").append(word(each.status.ok)).append(R"(,"detail":)");
            detail::append_json(text, each.status.detail);
            text += '}';
        }
        text += ']';
    }
    return text += "}\n";
}

health_registry::registration& health_registry::registration::operator=(registration&& other) noexcept {
    if (this == &other) return *this;
    reset();
    shared_ = std::move(other.shared_);
    id_ = other.id_;
    return *this;
}

void health_registry::registration::reset() noexcept {
    if (!shared_) return;
    health_registry::check last; // dies outside the lock: what it captured may do anything
    {
        const std::scoped_lock lock(shared_->mutex);
        if (auto row = shared_->rows.find(id_); row != shared_->rows.end()) {
            last = std::move(row->second.function);
            shared_->rows.erase(row);
        }
    }
    shared_.reset();
}

} // namespace corvid
