// SPDX-License-Identifier: Apache-2.0
// Random trees as the guest's kernel sees them: many in one image, listed by a program in a box. What
// libext2fs reads of the disk is what layers_test compares with umoci.
#include <algorithm>
#include <cstdlib>
#include <sstream>

#include <gtest/gtest.h>

#include "base/concat.h"
#include "base/files.h"
#include "file_listing.h"
#include "random_layers.h"
#include "support/temp_home.h"
#include "tar/test_tar.h"
#include "test_image.h"

namespace boxlite::tests {
namespace {

constexpr std::size_t archive_end = 1024;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// The layers of each seed below a directory of its own, the first with the first, and the lister.
std::vector<std::string> layers_of(std::uint64_t first, std::uint64_t count) {
  tar::testing::TestTar lister;
  lister.directory("./").file("lister", *read_file(FILE_LISTER, std::size_t{64} << 20), 0755);
  std::vector<std::string> merged{lister.finish()};
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const auto tars = random_layers(seed, concat("trees/t", seed, "/"));
    for (std::size_t i = 0; i < tars.size(); ++i) {
      if (i == merged.size()) merged.emplace_back(archive_end, '\0');
      merged[i].insert(merged[i].size() - archive_end, tars[i], 0, tars[i].size() - archive_end);
    }
  }
  return merged;
}

// As the lister prints it.
FileListing as_printed(const FileListing& listing) {
  FileListing out;
  for (const auto& [path, text] : listing) {
    if (path.starts_with("/trees")) out[in_quotes(path)] = in_quotes(text);
  }
  return out;
}

FileListing parsed(const std::string& printed) {
  FileListing out;
  std::istringstream lines(printed);
  for (std::string text; std::getline(lines, text);) {
    const auto end = text.find("\" \"");
    out[text.substr(0, end + 1)] = text.substr(std::min(end + 2, text.size()));
  }
  return out;
}

std::filesystem::path only_disk_in(const std::filesystem::path& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".ext4") return entry.path();
  }
  return {};
}

TEST(GuestTrees, are_to_the_guest_what_was_written) {
  const std::uint64_t first = number_from("BOXLITE_TREES_FROM", 1);
  const std::uint64_t count = number_from("BOXLITE_TREES_IN_GUEST", 12);
  const Scratch scratch;
  const test::TempHome home(BOXLITE_PROGRAM);
  const TestImage image(scratch / "oci", layers_of(first, count));
  ASSERT_EQ(
      run(concat("tar -C '", image.directory().native(), "' -cf '", (scratch / "oci.tar").native(), "' ."),
          scratch / "tar.log"),
      0);
  const auto loaded = home.run({"load", "-q", "-i", (scratch / "oci.tar").native()});
  ASSERT_EQ(loaded.code(), 0) << loaded.err;
  const std::string name = loaded.out.substr(0, loaded.out.find('\n'));
  const auto listed = home.run({"run", "--rm", "--privileged", "--cold", name, "--", "/lister", "/trees"});
  ASSERT_EQ(listed.code(), 0) << listed.err;
  const FileListing expected = as_printed(list_ext4(only_disk_in(home.home() / "disks")));
  EXPECT_GT(expected.size(), count * 10);
  const FileListing actual = parsed(listed.out);
  // A list that was cut off differs in its end only; what the box said tells why.
  EXPECT_EQ(difference(expected, actual), "")
      << "the guest's kernel (+) differs from libext2fs (-): " << actual.size() << " entries of "
      << expected.size() << ", the last line is "
      << in_quotes(listed.out.substr(listed.out.size() - std::min<std::size_t>(listed.out.size(), 200)))
      << ", and the box said " << in_quotes(listed.err);
}

}  // namespace
}  // namespace boxlite::tests
