// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace boxlite::linux_ {

// A set of capabilities(7), one bit each.
using CapabilitySet = std::uint64_t;

inline constexpr int capability_count = 41;
inline constexpr CapabilitySet all_capabilities = (CapabilitySet{1} << capability_count) - 1;

// The number of "CAP_CHOWN" (or "chown", as some write it); nothing for a name that is none.
std::optional<int> capability_number(std::string_view name);

// Takes everything else from the calling thread's bounding set, and inheritable and ambient entirely. Plain
// system calls: legal between vfork and exec. False with errno on failure.
bool limit_bounding_set(CapabilitySet kept) noexcept;
// Permitted and effective become `kept`.
bool set_capabilities(CapabilitySet kept) noexcept;
// What the calling thread may do; nothing when that cannot be told.
CapabilitySet effective_capabilities() noexcept;
// A program executed from here on gets those of `kept` that we have, whoever the user is, and can never get
// another. Between vfork and exec as well.
bool leave_capabilities(CapabilitySet kept) noexcept;

}  // namespace boxlite::linux_
