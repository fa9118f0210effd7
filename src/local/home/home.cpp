// SPDX-License-Identifier: Apache-2.0
#include "local/home/home.h"

#include <cstdlib>

#include <pwd.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "linux/files/private_directory.h"

namespace boxlite::local {
namespace {

Result<std::filesystem::path> users_directory() {
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    return std::filesystem::path(home);
  // Without $HOME, as under some service managers.
  passwd entry{};
  passwd* found = nullptr;
  char buffer[4096];
  if (::getpwuid_r(::getuid(), &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr &&
      *found->pw_dir == '/') {
    return std::filesystem::path(found->pw_dir);
  }
  return fail(Error(ErrorCode::invalid_argument, "find the home directory: $HOME is not set")
                  .with_remedy("set BOXLITE_HOME to an absolute path"));
}

Result<std::filesystem::path> choose(const std::filesystem::path& wanted) {
  auto chosen = wanted;
  if (chosen.empty()) {
    if (const char* variable = std::getenv("BOXLITE_HOME"); variable != nullptr) chosen = variable;
  }
  if (chosen.empty()) chosen = BOXLITE_TRY(users_directory()) / ".boxlite";
  if (!chosen.is_absolute()) {
    return fail(ErrorCode::invalid_argument,
                concat("home ", in_quotes(chosen.native()), " is not valid: it must be an absolute path"));
  }
  return chosen.lexically_normal();
}

}  // namespace

Result<Home> Home::open(const std::filesystem::path& wanted) {
  Home home{BOXLITE_TRY(choose(wanted))};
  const auto what = concat("open home ", in_quotes(home.directory.native()));
  BOXLITE_TRY_CONTEXT(what, make_directories(home.directory));
  BOXLITE_TRY_CONTEXT(what, linux_::check_private(home.directory));
  for (const auto& directory : {home.boxes(), home.images(), home.disks(), home.volumes()})
    BOXLITE_TRY_CONTEXT(what, make_directories(directory));
  // Any of them may be a symlink to somewhere else. What is in machines and ready is run as it is.
  for (const auto& directory :
       {home.boxes(), home.images(), home.disks(), home.volumes(), home.machines(), home.ready()})
    if (is_there(directory)) BOXLITE_TRY_CONTEXT(what, linux_::check_private(directory));
  // As the kernel calls it: a frozen machine's files are known by it.
  std::error_code failed;
  home.directory = std::filesystem::canonical(home.directory, failed);
  if (failed) return fail(syscall_error("realpath", home.directory.native(), failed.value()));
  return home;
}

}  // namespace boxlite::local
