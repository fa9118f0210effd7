// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include <boxlite/error.hpp>

namespace boxlite {

std::string_view name(ErrorCode code) {
  switch (code) {
    case ErrorCode::internal: return "internal";
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::already_exists: return "already_exists";
    case ErrorCode::invalid_state: return "invalid_state";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::resource_exhausted: return "resource_exhausted";
    case ErrorCode::permission_denied: return "permission_denied";
    case ErrorCode::corrupted: return "corrupted";
    case ErrorCode::timed_out: return "timed_out";
    case ErrorCode::cancelled: return "cancelled";
    case ErrorCode::stopped: return "stopped";
  }
  return "internal";
}

Error::Error(ErrorCode code, std::string message, int os_error)
    : code_(code), os_error_(os_error), message_(std::move(message)) {}

bool Error::retryable() const {
  return code_ == ErrorCode::unavailable || code_ == ErrorCode::timed_out ||
         code_ == ErrorCode::resource_exhausted;
}

Error Error::context(std::string_view what) && {
  message_.insert(0, ": ");
  message_.insert(0, what);
  return std::move(*this);
}

Error Error::with_remedy(std::string_view remedy) && {
  if (remedy_.empty()) remedy_ = remedy;
  return std::move(*this);
}

}  // namespace boxlite
