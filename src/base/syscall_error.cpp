// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include <string.h>

#include "base/concat.h"
#include "base/result.h"
#include "base/shortage.h"

namespace boxlite {
namespace {

ErrorCode code_of(int os_error) {
  switch (os_error) {
    case ENOENT:
    case ESRCH: return ErrorCode::not_found;
    case EEXIST: return ErrorCode::already_exists;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorCode::permission_denied;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EFBIG: return ErrorCode::resource_exhausted;
    case EINVAL:
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR: return ErrorCode::invalid_argument;
    case ETIMEDOUT: return ErrorCode::timed_out;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case EAGAIN: return ErrorCode::unavailable;
    case ENOSYS:
    case EOPNOTSUPP: return ErrorCode::unsupported;
    default: return ErrorCode::internal;
  }
}

std::string_view remedy_of(int os_error) {
  switch (os_error) {
    case ENOSPC: return "free space on that file system, or choose another home with --home";
    case EDQUOT: return "the disk quota of this user is used up";
    case EMFILE: return "raise the limit of open files (ulimit -n)";
    default: return {};
  }
}

}  // namespace

bool is_shortage(const Error& error) {
  // EAGAIN is that of clone() and of mmap().
  return error.code() == ErrorCode::resource_exhausted || error.os_error() == EAGAIN;
}

Error syscall_error(std::string_view call, std::string_view object, int os_error) {
  // strerrordesc_np needs no buffer and no locale, and is thread-safe.
  const char* text = strerrordesc_np(os_error);
  auto message = object.empty() ? concat(call, ": ", text ? text : "unknown error")
                                : concat(call, " ", in_quotes(object), ": ", text ? text : "unknown error");
  return Error(code_of(os_error), std::move(message), os_error).with_remedy(remedy_of(os_error));
}

}  // namespace boxlite
