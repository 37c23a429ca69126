// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/detail/socket.hpp>

#include <utility>

namespace corvid::store::detail {

void socket::attach(int fd) {
    detach();
    readable_.fd = fd;
    loop_.watch(readable_);
}

void socket::detach() noexcept {
    if (attached()) loop_.unwatch(readable_);
    readable_.fd = -1;
    writable_.armed = false;
    clear_deadline();
}

void socket::set_deadline(steady_time when) {
    work_without_deadline();
    loop_.at(when, deadline_);
}

void socket::work_without_deadline() noexcept {
    late_ = false;
    at_work_ = true;
    loop_.cancel(deadline_);
}

void socket::clear_deadline() noexcept {
    at_work_ = false;
    loop_.cancel(deadline_);
}

bool socket::wait_operation::start() {
    if (socket_.late_) return false;
    socket_.waiting_ = this;
    if (direction_ != direction::read && !std::exchange(socket_.writable_.armed, true))
        socket_.loop_.when_writable(socket_.readable_, socket_.writable_);
    return true;
}

void socket::wake() noexcept {
    if (wait_operation* const op = std::exchange(waiting_, nullptr)) op->complete();
}

// While a connection is made, reading means nothing before writing is possible.
void socket::on_readable() noexcept {
    if (!at_work_)
        idle_(owner_);
    else if (waiting_ && waiting_->direction_ != direction::write)
        wake();
}

void socket::on_writable() noexcept {
    writable_.armed = false;
    if (waiting_ && waiting_->direction_ != direction::read) wake();
}

void socket::on_deadline() noexcept {
    late_ = true;
    wake();
}

} // namespace corvid::store::detail
