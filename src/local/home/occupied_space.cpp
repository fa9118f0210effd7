// SPDX-License-Identifier: Apache-2.0
#include "local/home/occupied_space.h"

#include <sys/stat.h>

namespace boxlite::local {

namespace {

constexpr std::uint64_t block_bytes = 512;

}  // namespace

std::uint64_t occupied_bytes(const std::filesystem::path& file) {
  struct stat status{};
  if (::lstat(file.c_str(), &status) != 0) return 0;
  return static_cast<std::uint64_t>(status.st_blocks) * block_bytes;
}

void visit_occupied(
    const std::filesystem::path& directory,
    const std::function<void(const std::filesystem::path& entry, std::uint64_t bytes)>& visit) {
  std::error_code failed;
  const auto options = std::filesystem::directory_options::skip_permission_denied;
  for (std::filesystem::recursive_directory_iterator entry(directory, options, failed), end;
       !failed && entry != end; entry.increment(failed)) {
    visit(entry->path(), occupied_bytes(entry->path()));
  }
}

std::uint64_t occupied_bytes_below(const std::filesystem::path& directory) {
  std::uint64_t sum = 0;
  visit_occupied(directory, [&](const std::filesystem::path&, std::uint64_t bytes) { sum += bytes; });
  return sum;
}

}  // namespace boxlite::local
