// SPDX-License-Identifier: Apache-2.0
#include "linux/files/private_directory.h"

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::linux_ {
namespace {

// "bob", or "user 1234".
std::string name_of(uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return concat("user ", uid);
  return found->pw_name;
}

bool is_own_group(gid_t gid, std::string_view user) {
  struct group entry{};
  struct group* found = nullptr;
  std::array<char, 4096> buffer{};
  if (::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return false;
  for (char** member = found->gr_mem; *member != nullptr; ++member) {
    if (*member != user) return false;
  }
  return found->gr_name == user;
}

// Its mode shows what all named users and groups together may do.
bool has_access_list(const std::filesystem::path& directory) {
  return ::getxattr(directory.c_str(), "system.posix_acl_access", nullptr, 0) > 0;
}

Error foreign(const std::filesystem::path& directory, uid_t owner, uid_t user) {
  Error error(ErrorCode::permission_denied,
              concat(in_quotes(directory.native()), " belongs to ", name_of(owner), ", and not to ",
                     name_of(user), ", who runs this"));
  if (user == 0)
    return std::move(error).with_remedy(
        "run boxlite as its owner, without sudo; or set BOXLITE_HOME to a directory of root's");
  return std::move(error).with_remedy(
      concat("set BOXLITE_HOME to a directory of your own; if this one is yours: sudo chown -R ",
             name_of(user), " ", directory.native()));
}

}  // namespace

Result<void> check_private(const std::filesystem::path& directory) {
  const auto opened = BOXLITE_TRY(open_file(directory, O_PATH | O_DIRECTORY));
  struct stat status = {};
  if (::fstat(opened.get(), &status) != 0) return fail(syscall_error("fstat", directory.native(), errno));
  const auto user = ::geteuid();
  if (status.st_uid != user) return fail(foreign(directory, status.st_uid, user));
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return {};
  const bool is_only_own_group = (status.st_mode & S_IWOTH) == 0 &&
                                 is_own_group(status.st_gid, name_of(user)) && !has_access_list(directory);
  if (is_only_own_group) return {};
  return fail(
      Error(ErrorCode::permission_denied, concat("other users may write ", in_quotes(directory.native()),
                                                 ", and so could run what they like as ", name_of(user)))
          .with_remedy(concat("chmod go-w ", directory.native(), ", once you have looked at what is in it")));
}

}  // namespace boxlite::linux_
