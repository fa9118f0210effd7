// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freeze/freezer.h"
#include "freeze/image_texts.h"
#include "freeze/memory_map.h"
#include "freeze/process_image.h"
#include "freeze/traced_process.h"

namespace boxlite::freeze {

// Writes what a process has in its memory to the pages file, and notes how each area is mapped again. One
// thread; what is given outlives it.
class MemoryWriter {
 public:
  MemoryWriter(const Order& order, const TracedProcess& process, ImageTexts& texts)
      : order_(order), process_(process), texts_(texts) {}

  // Once, with all areas of the process.
  Result<void> write(std::span<const Area> areas);

  const std::vector<Mapping>& mappings() const { return mappings_; }
  const std::vector<File>& files() const { return files_; }
  const std::vector<SpecialMapping>& special() const { return special_; }

 private:
  // Below it nothing is from `free_from` on.
  Result<void> add_area(const Area& area, std::uint64_t free_from);
  Result<void> add_special(const Area& area);
  Result<void> add_file_area(const Area& area);
  Result<void> add_own_area(const Area& area);
  void add_room_below(const Area& stack, std::uint64_t free_from);
  Result<void> copy_mapped_file(const Area& area);
  Result<void> write_run(std::uint64_t start, std::uint64_t end, const std::filesystem::path& file, int fd,
                         std::uint64_t offset);
  Result<std::uint64_t> file_index(const std::string& path);
  void add_mapping(const Area& area, std::uint64_t start, std::uint64_t end, Source source,
                   std::uint64_t which, std::uint64_t offset);

  const Order& order_;
  const TracedProcess& process_;
  ImageTexts& texts_;
  UniqueFd pages_;
  std::uint64_t pages_end_ = 0;
  bool has_met_mapped_file_ = false;
  std::vector<Mapping> mappings_;
  std::vector<File> files_;
  std::vector<std::string> file_names_;
  std::vector<SpecialMapping> special_;
};

}  // namespace boxlite::freeze
