// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/file_listing.h"

#include <algorithm>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "cli/output/table.h"

namespace boxlite::cli {

std::string mode_text(const FileInfo& file) {
  constexpr std::string_view kinds = "-dlcbps";
  constexpr std::string_view letters = "rwxrwxrwx";
  std::string text(1, kinds[static_cast<std::size_t>(file.kind)]);
  for (std::size_t i = 0; i < letters.size(); ++i)
    text += (file.mode >> (8 - i) & 1U) != 0 ? letters[i] : '-';
  // A set-id or sticky bit stands in the place of the x that it changes.
  const auto mark = [&](unsigned bit, std::size_t place, char small, char large) {
    if ((file.mode & bit) != 0) text[place] = text[place] == 'x' ? small : large;
  };
  mark(04000, 3, 's', 'S');
  mark(02000, 6, 's', 'S');
  mark(01000, 9, 't', 'T');
  return text;
}

std::string file_time(const FileInfo& file) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(file.modified).time_since_epoch().count();
  std::tm parts{};
  const std::time_t time = seconds;
  if (::gmtime_r(&time, &parts) == nullptr) return "-";
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", parts);
}

std::string files_table(std::vector<FileInfo> files) {
  std::ranges::sort(files, {}, &FileInfo::name);
  Table table({"MODE", "LINKS", "UID", "GID", "SIZE", "MODIFIED", "NAME"});
  for (const auto& file : files) {
    auto name = printable(file.name);
    if (file.kind == FileKind::symlink) name += " -> " + printable(file.link_target);
    table.add_row({mode_text(file), std::to_string(file.links), std::to_string(file.uid),
                   std::to_string(file.gid), std::to_string(file.size), file_time(file), name});
  }
  return table.text();
}

std::string event_line(const FileEvent& event) {
  const auto* const end = event.is_directory ? "/" : "";
  return fmt::format("{:<10}  {}{}", name(event.kind), event.path.empty() ? "." : printable(event.path), end);
}

}  // namespace boxlite::cli
