// SPDX-License-Identifier: Apache-2.0
#include "umoci_peer.h"

#include <set>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/concat.h"
#include "disk/rootfs_export.h"
#include "file_listing.h"
#include "support/disk_check.h"
#include "test_image.h"

namespace boxlite::tests {
namespace {

// All names of one file have the same line.
std::size_t count_files(const FileListing& listing) {
  std::set<std::string> of_several_names;
  std::size_t files = 0;
  for (const auto& [path, text] : listing) {
    if (text.find(" same=") == text.npos || of_several_names.insert(text).second) ++files;
  }
  return files;
}

FileListing unpacked_by_umoci(const TestImage& image, const Scratch& scratch) {
  const int code = run(concat("GOMAXPROCS=1 umoci raw unpack --image '", image.directory().native(),
                              ":latest' '", (scratch / "peer").native(), "'"),
                       scratch / "umoci.log");
  EXPECT_EQ(code, 0) << text_of(scratch / "umoci.log");
  return code == 0 ? list_directory(scratch / "peer") : FileListing();
}

}  // namespace

disk::ImageDiskOptions small_disk() {
  disk::ImageDiskOptions options;
  options.size_bytes = std::uint64_t{1} << 30;
  return options;
}

void expect_same_as_umoci(const std::vector<std::string>& tars, const Comparison& how) {
  if (::geteuid() != 0) GTEST_SKIP() << "umoci sets owners and devices only as root";
  const Scratch scratch;
  const TestImage image(scratch / "oci", tars);
  const FileListing expected = unpacked_by_umoci(image, scratch);
  disk::ImageDiskOptions options;
  options.size_bytes = how.disk_bytes;
  const auto built = disk::build_image_disk(image.layers(), scratch / "disk.ext4", options);
  ASSERT_TRUE(built) << built.error().message();
  EXPECT_EQ(difference(expected, list_ext4(scratch / "disk.ext4")), "")
      << "our disk (+) differs from umoci (-)";
  EXPECT_EQ(built->files, count_files(expected));
  if (!how.also_export) return;
  const auto exported = disk::export_rootfs(image.layers(), scratch / "exported", {});
  ASSERT_TRUE(exported) << exported.error().message();
  EXPECT_EQ(difference(expected, list_directory(scratch / "exported")), "")
      << "our export (+) differs from umoci (-)";
}

std::string little_endian(std::initializer_list<std::uint32_t> words) {
  std::string out;
  for (const std::uint32_t word : words) {
    for (int shift = 0; shift < 32; shift += 8)
      out += static_cast<char>(static_cast<unsigned char>(word >> shift));
  }
  return out;
}

std::string file_capability(std::uint32_t permitted) {
  return little_endian({0x02000001, permitted, 0, 0, 0});
}

}  // namespace boxlite::tests
