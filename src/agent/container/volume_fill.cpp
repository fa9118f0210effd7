// SPDX-License-Identifier: Apache-2.0
#include "agent/container/volume_fill.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/files/tree_copy.h"
#include "agent/machine/machine.h"
#include "base/concat.h"
#include "base/files.h"
#include "base/ids.h"
#include "linux/files/mounts.h"

namespace boxlite::agent {
namespace {

constexpr const char* content = "data";
constexpr std::string_view draft_prefix = ".fill-";

Result<bool> is_empty(int volume_fd) {
  const UniqueFd data(::openat(volume_fd, content, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!data.is_open()) return fail(syscall_error("open", content, errno));
  return is_empty_directory(data.get());
}

void remove_draft(int volume_fd, const std::string& name) {
  (void)remove_tree(concat("/proc/self/fd/", volume_fd, "/", name));
}

// Ours, and those that others were interrupted in.
void remove_drafts(int volume_fd) {
  const std::filesystem::path volume = concat("/proc/self/fd/", volume_fd);
  for (const auto& entry : entries_of(volume)) {
    if (entry.filename().native().starts_with(draft_prefix)) (void)remove_tree(entry);
  }
}

}  // namespace

Result<void> fill_volume(int volume_fd, const std::string& target) {
  const auto root = BOXLITE_TRY(open_file(root_dir, O_PATH | O_DIRECTORY));
  const auto source = linux_::open_in_root(root.get(), target, O_RDONLY | O_DIRECTORY);
  if (!source) return {};
  if (!BOXLITE_TRY(is_empty(volume_fd))) return {};
  const auto draft_name = concat(draft_prefix, new_id());
  if (::mkdirat(volume_fd, draft_name.c_str(), 0700) != 0)
    return fail(syscall_error("mkdir", draft_name, errno));
  auto filled = [&]() -> Result<void> {
    const UniqueFd draft(::openat(volume_fd, draft_name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!draft.is_open()) return fail(syscall_error("open", draft_name, errno));
    BOXLITE_TRY(copy_tree(source->get(), draft.get()));
    // Replaces an empty directory only.
    if (::renameat(volume_fd, draft_name.c_str(), volume_fd, content) == 0) return {};
    return fail(syscall_error("rename", draft_name, errno));
  }();
  // Another box's agent was faster, and has removed our draft.
  const auto empty = is_empty(volume_fd);
  if (!filled && empty && *empty) {
    remove_draft(volume_fd, draft_name);
    return filled;
  }
  remove_drafts(volume_fd);
  return {};
}

}  // namespace boxlite::agent
