// SPDX-License-Identifier: Apache-2.0
#include "support/disk_check.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "support/program.h"

namespace boxlite::test {
namespace {

// The superblock, 1 KiB from the start, has its magic number at 0x38.
bool is_ext4(const std::filesystem::path& file) {
  char magic[2] = {};
  std::ifstream stream(file, std::ios::binary);
  stream.seekg(1024 + 0x38);
  stream.read(magic, sizeof magic);
  return stream.gcount() == 2 && magic[0] == '\x53' && magic[1] == '\xef';
}

}  // namespace

void expect_clean_disks(const std::filesystem::path& directory) {
  std::error_code failed;
  using Walk = std::filesystem::recursive_directory_iterator;
  for (Walk entry(directory, std::filesystem::directory_options::skip_permission_denied, failed), end;
       !failed && entry != end; entry.increment(failed)) {
    std::error_code ignored;
    if (!entry->is_regular_file(ignored) || entry->is_symlink(ignored) || !is_ext4(entry->path())) continue;
    ProgramOptions check;
    check.words = {"/sbin/e2fsck", "-fn", entry->path().native()};
    const auto checked = run_program(check);
    EXPECT_EQ(checked.code(), 0) << checked.out << checked.err;
    EXPECT_EQ(checked.out.find('?'), std::string::npos) << checked.out;
  }
}

}  // namespace boxlite::test
