// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <expected>
#include <utility>

#include "base/result.h"

// BOXLITE_TRY of an Answer.
namespace boxlite::detail {
template <typename T>
T take(std::expected<T, int>&& answer) {
  return *std::move(answer);
}
inline void take(std::expected<void, int>&&) {}
}  // namespace boxlite::detail

namespace boxlite::fileserver {

// What a request comes to: a value, or the errno that the guest is told.
template <typename T>
using Answer = std::expected<T, int>;

inline std::unexpected<int> refuse(int os_error) {
  return std::unexpected(os_error);
}

// Of a system call that returns -1 and sets errno.
inline Answer<void> answer_of(int result) {
  if (result < 0) return refuse(errno);
  return {};
}

}  // namespace boxlite::fileserver
