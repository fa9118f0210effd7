// SPDX-License-Identifier: Apache-2.0
#include "freeze/file_identity.h"

#include <cerrno>

#include <sys/stat.h>

namespace boxlite::freeze {

Result<FileIdentity> identify_file(const std::filesystem::path& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return fail(syscall_error("stat", path.native(), errno));
  return FileIdentity{.device = status.st_dev,
                      .inode = status.st_ino,
                      .size = static_cast<std::uint64_t>(status.st_size),
                      .changed_s = static_cast<std::uint64_t>(status.st_mtim.tv_sec),
                      .changed_ns = static_cast<std::uint64_t>(status.st_mtim.tv_nsec)};
}

}  // namespace boxlite::freeze
