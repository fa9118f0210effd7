// SPDX-License-Identifier: Apache-2.0
// Freezing a process: all that it is, but for what connects it to others, into two files from which
// boxlite-thaw makes another one that does not know of the difference.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/result.h"
#include "base/time.h"
#include "freeze/descriptor_table.h"

namespace boxlite::freeze {

struct Order {
  pid_t pid = 0;  // a child of ours, or another process that we may trace
  std::filesystem::path image = {};
  std::filesystem::path pages = {};

  // A file that it has mapped privately, by its descriptor's number: what the mapping holds now goes to
  // `copy`, whoever thaws gives that one under the same number.
  struct MappedFile {
    int number = -1;
    std::filesystem::path file = {};
    std::filesystem::path copy = {};
  };
  std::optional<MappedFile> mapped_file = {};

  NameGiven name_given = {};
};

// Waits until every thread of the process waits for something (unavailable after the deadline), writes the
// files, and kills the process. They are complete, and not synced, when this succeeds. unsupported when the
// process has something that cannot be made again: a mapping that is shared, a descriptor of a kind we do not
// know.
Result<void> freeze(const Order& order, Deadline deadline);

}  // namespace boxlite::freeze
