// SPDX-License-Identifier: Apache-2.0
#include "jail/file_confinement.h"

#include <cerrno>
#include <cstdint>

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/concat.h"

namespace boxlite::jail {
namespace {

// Newer than Debian 12's headers: ABI 2, 3 and 5.
constexpr std::uint64_t access_refer = 1u << 13;
constexpr std::uint64_t access_truncate = 1u << 14;
constexpr std::uint64_t access_device_ioctl = 1u << 15;
constexpr int needed_abi = 2;  // before, no file could move from one directory to another

// As the kernel has it since ABI 6; an older one is given the beginning.
struct Ruleset {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;  // ABI 4: bind and connect over TCP
  std::uint64_t scoped;              // ABI 6: abstract sockets and signals
};

constexpr std::uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t running = reading | LANDLOCK_ACCESS_FS_EXECUTE;
constexpr std::uint64_t writing_directories =
    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM | access_refer;
constexpr std::uint64_t writing_files =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | access_truncate;
constexpr std::uint64_t writing = writing_directories | writing_files;
constexpr std::uint64_t controlling = writing_files | access_device_ioctl;
constexpr std::uint64_t never = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;
constexpr std::uint64_t of_files =
    LANDLOCK_ACCESS_FS_EXECUTE | writing_files | access_device_ioctl;  // what can be ruled about a file

// The version of Landlock; negative without it.
long landlock_abi() {
  return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

std::uint64_t known_to(long abi) {
  return ~((abi >= 3 ? 0 : access_truncate) | (abi >= 5 ? 0 : access_device_ioctl));
}

Result<UniqueFd> create_rules(long abi) {
  const Ruleset wanted{.handled_access_fs = (running | writing | controlling | never) & known_to(abi),
                       .handled_access_net = 0b11,
                       .scoped = 0b11};
  const std::size_t bytes = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  UniqueFd rules(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &wanted, bytes, 0)));
  if (!rules.is_open()) return fail(syscall_error("landlock_create_ruleset", "", errno));
  return rules;
}

bool add_rule(int rules, int target, std::uint64_t access) {
  landlock_path_beneath_attr rule = {};
  rule.allowed_access = access;
  rule.parent_fd = target;
  return ::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

Result<void> allow_below(int rules, const std::filesystem::path& path, std::uint64_t access) {
  const UniqueFd target(::open(path.c_str(), O_PATH | O_CLOEXEC));
  // What we cannot reach, the process cannot reach either.
  if (!target.is_open() && (errno == ENOENT || errno == EACCES || errno == ENOTDIR)) return {};
  struct stat status = {};
  if (!target.is_open() || ::fstat(target.get(), &status) != 0)
    return fail(syscall_error("open", path.native(), errno));
  if (add_rule(rules, target.get(), S_ISDIR(status.st_mode) ? access : access & of_files)) return {};
  return fail(syscall_error("landlock_add_rule", path.native(), errno));
}

}  // namespace

bool can_confine_files() {
  return landlock_abi() >= needed_abi;
}

Result<FileConfinement> FileConfinement::create(const FileAccess& access) {
  const auto abi = landlock_abi();
  if (abi < needed_abi)
    return fail(ErrorCode::unsupported, "confine files: the kernel has no Landlock, or its first version");
  auto rules = BOXLITE_TRY(create_rules(abi));
  const auto known = known_to(abi);
  for (const auto& path : access.readable) BOXLITE_TRY(allow_below(rules.get(), path, reading));
  for (const auto& path : access.runnable) BOXLITE_TRY(allow_below(rules.get(), path, running));
  for (const auto& path : access.writable) BOXLITE_TRY(allow_below(rules.get(), path, writing & known));
  for (const auto& path : access.devices) BOXLITE_TRY(allow_below(rules.get(), path, controlling & known));
  return FileConfinement(std::move(rules));
}

bool FileConfinement::enter(int rules) {
  const int own_process = ::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (own_process >= 0 && !add_rule(rules, own_process, reading)) return false;
  if (own_process >= 0) ::close(own_process);
  return ::syscall(SYS_landlock_restrict_self, rules, 0) == 0;
}

}  // namespace boxlite::jail
