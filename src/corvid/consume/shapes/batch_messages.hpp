// SPDX-License-Identifier: Apache-2.0
//
// batch_messages: what attempts at batches decode into, kept for the next one.
#pragma once

#include <corvid/consume/shapes/batch_attempt.hpp>
#include <corvid/consume/typed_handler.hpp>

#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace corvid::detail {

template <class T>
class batch_messages {
public:
    /// Takes in what can be handed over of the attempt's records.
    void decode(batch_attempt& of) {
        shown_.clear();
        if (all_.size() < of.records()) all_.resize(of.records());
        of.gather([&](const run& in, held_record& what) -> result<void> {
            const T* message = nullptr;
            if (what.what().value) {
                T& place = all_[shown_.size()];
                if (auto read = decode_record(what.what(), what.its_headers(), place); !read)
                    return fail(located_in(std::move(read).error(), in.origin().where, what.offset));
                message = &place;
            }
            shown_.emplace_back(message, record_origin{.topic = in.origin().where.topic.str(),
                                                       .where = in.origin().where.partition,
                                                       .source = &what.what(),
                                                       .own_headers = &what.its_headers()});
            return {};
        });
    }
    [[nodiscard]] std::span<const received<T>> part(const batch_attempt::range& of) const noexcept {
        return std::span(shown_).subspan(of.from, of.size());
    }
    /// As batch_attempt::keep() has done.
    void keep(const batch_attempt::range& of, const std::vector<bool>& which) {
        std::size_t to = of.from;
        for (std::size_t i = of.from; i < of.to; ++i)
            if (which[i - of.from]) std::swap(shown_[to++], shown_[i]);
    }

private:
    std::vector<T> all_;
    std::vector<received<T>> shown_;
};

/// Attempts may be on several threads at once.
template <class T>
class spare_batch_messages {
public:
    using owner = std::unique_ptr<batch_messages<T>>;
    [[nodiscard]] owner borrow() {
        const std::lock_guard lock(mutex_);
        if (spare_.empty()) return std::make_unique<batch_messages<T>>();
        owner one = std::move(spare_.back());
        spare_.pop_back();
        return one;
    }
    void give_back(owner one) {
        const std::lock_guard lock(mutex_);
        spare_.push_back(std::move(one));
    }

private:
    std::mutex mutex_;
    std::vector<owner> spare_;
};

} // namespace corvid::detail
