// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include <boxlite/error.hpp>

namespace boxlite {

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
