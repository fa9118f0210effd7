// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::tar {

// The parts of a name in an archive that lead somewhere: "a/b" of "/a//./b/". corrupted when it has "..":
// no honest archive leaves its own tree.
Result<std::string> clean_name(std::string_view name);

// A directory and what is below it, reached without passing a symlink: whoever changes the tree at the same
// time cannot lead us out of it. One thread.
class SafeDirectory {
 public:
  // Is told of each directory that had to be made: its parent and its name.
  using OnMade = std::function<Result<void>(int parent_fd, const char* name)>;

  // Borrowed.
  explicit SafeDirectory(int directory_fd) : directory_fd_(directory_fd) {}

  // The directory `path` (clean; empty: this one itself), open for use as a base of *at() calls. Missing
  // parts are made (mode 0755). Stays valid until the next call.
  Result<int> enter(std::string_view path, const OnMade& on_made);
  // The same directory, open for fchmod and the like; nothing is made.
  Result<UniqueFd> open(const std::string& path) const;

 private:
  Result<UniqueFd> walk(std::string_view path, const OnMade& on_made) const;

  int directory_fd_;
  std::string entered_path_;
  UniqueFd entered_;
};

}  // namespace boxlite::tar
