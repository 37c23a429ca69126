// SPDX-License-Identifier: Apache-2.0
//
// with_unit: a user's function with a unit_of_work behind its context, as one of the engine's with a context:
// it makes the unit, and hands it in when the function said done. So whatever takes a handler takes it:
// typed_handler, fan_out, a router, corvid::blocking, workers.
#pragma once

#include <corvid/consume/shapes/fan_out.hpp>
#include <corvid/consume/typed_handler.hpp>
#include <corvid/inbox/exactly_once/inbox_stage.hpp>

#include <tuple>
#include <type_traits>

namespace corvid::detail {

template <class F, class In>
concept RecordsFor = std::invocable<F&, In, context&, unit_of_work&>;
template <class Given, class T>
concept TakesUnit =
    RecordsFor<plain_function<Given>, const T&> || RecordsFor<plain_function<Given>, const received<T>&>;

/// What events that a handler publishes through its unit say of their cause.
class handled_record final : public unit_occasion {
public:
    explicit handled_record(const context& record) noexcept : record_(record) {}
    [[nodiscard]] unit_cause cause() const override {
        return {.correlation_id = record_.correlation_id(),
                .causation_id = record_.event_id(),
                .traceparent = record_.trace().traceparent()};
    }

private:
    const context& record_;
};

template <class T, class F>
class with_unit_function {
    using input = std::conditional_t<RecordsFor<F, const T&>, const T, const received<T>>;
    using answer = task_value<std::invoke_result_t<F&, input&, context&, unit_of_work&>>;
    static_assert(std::is_void_v<typename answer::type> ||
                      std::convertible_to<typename answer::type, outcome>,
                  "corvid: a handler returns nothing, a corvid::outcome, or a corvid::task of either");

public:
    with_unit_function(F function, inbox_stage& stage) : function_(std::move(function)), stage_(&stage) {}

    outcome operator()(input& in, context& record)
        requires(!answer::is_task)
    {
        const handled_record occasion(record);
        unit_of_work unit;
        unit.on_occasion(&occasion);
        outcome said = done;
        if constexpr (std::is_void_v<typename answer::type>)
            function_(in, record, unit);
        else
            said = function_(in, record, unit);
        unit.on_occasion(nullptr);
        return stage_->hand_in(record, std::move(unit), std::move(said));
    }
    task<outcome> operator()(input& in, context& record)
        requires(answer::is_task)
    {
        asking_attempt attempt(*stage_, record);
        const handled_record occasion(record);
        unit_of_work unit(attempt);
        unit.on_occasion(&occasion);
        outcome said = done;
        try {
            if constexpr (std::is_void_v<typename answer::type>)
                co_await function_(in, record, unit);
            else
                said = co_await function_(in, record, unit);
        } catch (...) {
            said = outcome_of_current_exception();
        }
        unit.on_occasion(nullptr);
        co_return co_await attempt.end(unit, std::move(said));
    }

private:
    F function_;
    inbox_stage* stage_;
};

/// `given` itself, if it takes no unit. Else `stage` is where it hands in.
template <class T, class Given>
auto with_unit(Given given, [[maybe_unused]] inbox_stage* stage) {
    if constexpr (!TakesUnit<Given, T>) {
        return given;
    } else {
        using plain = plain_function<Given>;
        with_unit_function<T, plain> made(plain_function_of(std::move(given)), *stage);
        if constexpr (std::is_same_v<plain, Given>)
            return made;
        else
            return blocking(std::move(made));
    }
}

/// Each of them.
template <class T, class... F>
auto with_units(all_functions<F...> given, inbox_stage* stage) {
    return std::apply([stage](F&... each) { return to_all(with_unit<T>(std::move(each), stage)...); },
                      given.functions);
}

} // namespace corvid::detail
