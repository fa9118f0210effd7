// SPDX-License-Identifier: Apache-2.0
// How every function of BoxLite reports failure. The public types live in <boxlite/error.hpp>.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <boxlite/error.hpp>

namespace boxlite {

// `return fail(ErrorCode::not_found, concat("box ", in_quotes(name)))`.
inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error(code, std::move(message)));
}
inline std::unexpected<Error> fail(Error error) {
  return std::unexpected(std::move(error));
}

// The error of a system call that has just failed: "open \"/dev/kvm\": Permission denied". The errno is an
// argument because evaluating the others may change it. The code follows the errno (ENOENT: not_found, EACCES
// and EPERM: permission_denied, ENOSPC and EDQUOT: resource_exhausted with a remedy, and so on).
Error syscall_error(std::string_view call, std::string_view object, int os_error);

namespace detail {
template <typename T>
T take(Result<T>&& result) {
  return *std::move(result);
}
inline void take(Result<void>&&) {}
}  // namespace detail

}  // namespace boxlite

// The value of a Result, or return its error from the enclosing function. The only control-flow macro. Do not
// nest one inside another's argument.
#define BOXLITE_TRY(...)                                                      \
  __extension__({                                                             \
    auto try_result_ = (__VA_ARGS__);                                         \
    if (!try_result_) return std::unexpected(std::move(try_result_).error()); \
    ::boxlite::detail::take(std::move(try_result_));                          \
  })

// The same, with context(what) added to the error; `what` is evaluated only on failure.
#define BOXLITE_TRY_CONTEXT(what, ...)                                                      \
  __extension__({                                                                           \
    auto try_result_ = (__VA_ARGS__);                                                       \
    if (!try_result_) return std::unexpected(std::move(try_result_).error().context(what)); \
    ::boxlite::detail::take(std::move(try_result_));                                        \
  })
