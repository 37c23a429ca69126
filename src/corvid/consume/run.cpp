// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/run.hpp>

namespace corvid {

namespace {

/// Keeps a batch that others keep too.
class shared_owner final : public batch_owner {
public:
    explicit shared_owner(std::shared_ptr<const record_batch> whole) noexcept : whole_(std::move(whole)) {}
    void read_headers(const record& which, header_list& into) const override {
        for (const header_view& one : whole_->headers_of(which))
            into.push_back(one);
    }

private:
    std::shared_ptr<const record_batch> whole_;
};

} // namespace

std::shared_ptr<const record_batch> run::share() {
    auto whole = std::make_shared<const record_batch>(std::move(batch_));
    const auto records = whole->records();
    batch_ = record_batch({records.begin(), records.end()}, std::make_unique<shared_owner>(whole));
    return whole;
}

} // namespace corvid
