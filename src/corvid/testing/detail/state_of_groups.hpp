// SPDX-License-Identifier: Apache-2.0
//
// How far the groups of a world are, for machines and for people. Internal.
#pragma once

#include <corvid/memory/cluster.hpp>
#include <corvid/testing/detail/journal.hpp>

#include <string>

namespace corvid::testing::detail {

/// Everything in the topics of every group is committed.
[[nodiscard]] bool is_consumed(const journal& log, memory::cluster& broker);
/// Which group stands where in which partition, who has it, what is in flight and why.
[[nodiscard]] std::string state_of_groups(const journal& log, memory::cluster& broker);

} // namespace corvid::testing::detail
