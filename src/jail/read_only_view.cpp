// SPDX-License-Identifier: Apache-2.0
#include "jail/read_only_view.h"

#include <cerrno>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/unique_fd.h"
#include "linux/files/mounts.h"

namespace boxlite::jail {
namespace {

Result<void> make_all_read_only() {
  const auto root = BOXLITE_TRY(open_file("/", O_PATH | O_DIRECTORY));
  struct mount_attr change = {};
  change.attr_set = MOUNT_ATTR_RDONLY;
  if (::mount_setattr(root.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof change) == 0) return {};
  return fail(syscall_error("mount_setattr", "/", errno));
}

// A place, and the mounts that were there before all became read-only.
struct Exception {
  std::filesystem::path path;
  UniqueFd mounts;
};

Result<Exception> make_exception(const std::filesystem::path& path) {
  const auto place = BOXLITE_TRY(open_file(path, O_PATH));
  auto mounts = BOXLITE_TRY_CONTEXT(path.native(), linux_::clone_mount(place.get()));
  return Exception{path, std::move(mounts)};
}

Error refused(const Error& why) {
  return Error(ErrorCode::unsupported, concat("enter a read-only view: ", why.message()));
}

// Up to here nothing has changed for the thread but which namespace it is in.
Result<std::vector<Exception>> begin_view(std::span<const std::filesystem::path> writable) {
  if (::unshare(CLONE_NEWNS) != 0) return fail(syscall_error("unshare", "CLONE_NEWNS", errno));
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return fail(syscall_error("mount", "/", errno));
  std::vector<Exception> exceptions;
  for (const auto& path : writable) exceptions.push_back(BOXLITE_TRY(make_exception(path)));
  BOXLITE_TRY(make_all_read_only());
  return exceptions;
}

}  // namespace

Result<void> enter_read_only_view(std::span<const std::filesystem::path> writable) {
  const auto exceptions = begin_view(writable);
  if (!exceptions) return fail(refused(exceptions.error()));
  for (const auto& [path, mounts] : *exceptions) {
    const auto place = BOXLITE_TRY(open_file(path, O_PATH));
    BOXLITE_TRY_CONTEXT(path.native(), linux_::attach_mount(mounts.get(), place.get()));
  }
  return {};
}

}  // namespace boxlite::jail
