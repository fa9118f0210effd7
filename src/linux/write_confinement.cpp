// SPDX-License-Identifier: Apache-2.0
#include "linux/write_confinement.h"

#include <cerrno>
#include <cstdint>

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/unique_fd.h"

namespace boxlite::linux_ {
namespace {

// Newer than Debian 12's headers: ABI 2 and 3.
constexpr std::uint64_t access_refer = 1u << 13;
constexpr std::uint64_t access_truncate = 1u << 14;
constexpr int needed_abi = 2;  // before, no file could move from one directory to another

constexpr std::uint64_t on_directories =
    LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM | access_refer;

// The version of Landlock; negative without it.
long landlock_abi() {
  return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

// What can be ruled about a file.
std::uint64_t on_files() {
  return LANDLOCK_ACCESS_FS_WRITE_FILE | (landlock_abi() >= 3 ? access_truncate : 0);
}

Result<void> allow_below(int rules, const std::filesystem::path& path) {
  const UniqueFd target(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!target.is_open() && errno == ENOENT) return {};
  struct stat status = {};
  if (!target.is_open() || ::fstat(target.get(), &status) != 0)
    return fail(syscall_error("open", path.native(), errno));
  landlock_path_beneath_attr rule = {};
  rule.allowed_access = S_ISDIR(status.st_mode) ? on_files() | on_directories : on_files();
  rule.parent_fd = target.get();
  if (::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    return fail(syscall_error("landlock_add_rule", path.native(), errno));
  return {};
}

}  // namespace

bool can_confine_writes() {
  return landlock_abi() >= needed_abi;
}

Result<void> confine_writes(std::span<const std::filesystem::path> writable) {
  if (!can_confine_writes())
    return fail(ErrorCode::unsupported, "confine writes: the kernel has no Landlock, or its first version");
  const landlock_ruleset_attr attributes = {.handled_access_fs = on_files() | on_directories};
  const UniqueFd rules(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!rules.is_open()) return fail(syscall_error("landlock_create_ruleset", "", errno));
  for (const auto& path : writable) BOXLITE_TRY(allow_below(rules.get(), path));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail(syscall_error("prctl", "PR_SET_NO_NEW_PRIVS", errno));
  if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0)
    return fail(syscall_error("landlock_restrict_self", "", errno));
  return {};
}

}  // namespace boxlite::linux_
