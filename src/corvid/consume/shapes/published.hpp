// SPDX-License-Identifier: Apache-2.0
//
// published: what context::publish answers. The message is on its way already; awaiting tells where it is, or
// why not:
//
//   ctx.publish(fee);                                          // the record is done when it is acknowledged
//   corvid::result<corvid::delivery> at = co_await ctx.publish(fee);   // … and the handler knows where it is
#pragma once

#include <corvid/base/operation.hpp>
#include <corvid/base/result.hpp>
#include <corvid/consume/shapes/publish_tally.hpp>
#include <corvid/message/envelope.hpp>
#include <corvid/observe/trace_context.hpp>
#include <corvid/produce/message_producer.hpp>

#include <array>
#include <string>

namespace corvid {

namespace detail {

/// Where the answer meets who waits for it; ends with the later of the two.
class publish_answer {
public:
    explicit publish_answer(publish_tally& of) noexcept : tally_(of) { of.one_more(); }
    /// Once, from the delivery loop or where the record was refused.
    void came(result<delivery> answer) noexcept;

private:
    friend class published_base;
    void drop() noexcept;
    publish_tally& tally_;
    std::atomic<int> owners_{2};
    std::atomic<void*> waiter_{nullptr}; // the operation; this object itself once the answer is there
    std::optional<result<delivery>> answer_;
};

/// The headers of one message that a handler publishes; owns their texts.
class publish_headers {
public:
    /// `id`: the message's; `from`: the event id of the record; its headers go along where they say more;
    /// `within`: the span that publishes.
    publish_headers(std::string id, std::string from, const header_list& its_headers,
                    const trace_context& within, std::span<const header_view> given);
    [[nodiscard]] std::string_view id() const noexcept { return id_; }
    [[nodiscard]] std::span<const header_view> all() const noexcept { return all_; }

private:
    std::string id_, from_, correlation_, trace_;
    header_list all_;
};

class published_base : public operation<published_base, result<delivery>> {
public:
    explicit published_base(publish_answer& of) noexcept : of_(of) {}
    ~published_base() { of_.drop(); }
    [[nodiscard]] bool start() noexcept;
    [[nodiscard]] result<delivery> take() noexcept { return *of_.answer_; }

private:
    friend class publish_answer;
    publish_answer& of_;
};

} // namespace detail

using published = detail::published_base;

#ifdef CORVID_NO_TEMPORARIES_IN_CO_AWAIT
/// What publishing a temporary answers there: awaiting one would destroy it twice.
struct gcc_12_destroys_temporaries_in_co_await_twice_so_name_what_you_publish {
    void operator co_await() = delete;
};
#endif

} // namespace corvid
