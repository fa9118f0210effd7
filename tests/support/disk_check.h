// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace boxlite::test {

// `e2fsck -fn` on each ext4 image below `directory`: what it complains about is a failure of the test that
// runs. Other files are left alone, damaged images that a test made itself are its own business.
void expect_clean_disks(const std::filesystem::path& directory);

}  // namespace boxlite::test
