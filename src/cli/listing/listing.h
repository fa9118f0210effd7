// SPDX-License-Identifier: Apache-2.0
// How boxes and images look in tables. Pure functions.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <boxlite/runtime.hpp>

#include "cli/options/option_set.h"
#include "cli/output/output_json.h"

namespace boxlite::cli {

struct TableStyle {
  std::chrono::sys_seconds now;
  bool is_truncated = true;
  bool has_size = false;
};

// "Up 5 minutes", "Exited (0) 2 hours ago", "Created", "Failed 3 days ago".
std::string status_text(const BoxInfo& box, std::chrono::sys_seconds now);

// The command as typed, with what needs quotes in quotes; "-" when the image's own is run.
std::string command_text(const BoxSpec& spec);
std::string command_text(const std::vector<std::string>& words);

std::string boxes_table(const std::vector<BoxInfo>& boxes, const TableStyle& style);

struct ImageName {
  std::string repository;  // "debian", "ghcr.io/a/b": without what Docker leaves out too
  std::string tag;         // "<none>" for a name by digest alone
};
ImageName split_reference(std::string_view reference);
std::string images_table(const std::vector<ImageInfo>& images, const TableStyle& style);

// "sha256:0123…" as the first 12 digits.
std::string short_digest(std::string_view digest);

OptionSet::Accept accept_format(OutputFormat& target);

std::chrono::sys_seconds current_time();

}  // namespace boxlite::cli
