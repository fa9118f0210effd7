// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/listing.h"

#include <fmt/format.h>

#include "cli/output/table.h"
#include "cli/output/units.h"

namespace boxlite::cli {

namespace {

constexpr std::size_t command_width = 24;
constexpr std::size_t image_width = 40;

std::string quoted_if_needed(const std::string& word) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string since(std::string_view time, std::chrono::sys_seconds now) {
  const auto parsed = parse_time(time);
  return parsed ? " " + format_duration(now - *parsed) : std::string();
}

std::string ago(std::string_view time, std::chrono::sys_seconds now) {
  return parse_time(time) ? " " + format_age(time, now) : std::string();
}

std::string health_text(const HealthReport& health) {
  if (health.status == HealthStatus::none) return {};
  if (health.status == HealthStatus::starting) return " (health: starting)";
  return fmt::format(" ({})", name(health.status));
}

}  // namespace

std::string status_text(const BoxInfo& box, std::chrono::sys_seconds now) {
  switch (box.status) {
    case BoxStatus::configured: return "Created";
    case BoxStatus::running: return "Up" + since(box.started_at, now) + health_text(box.health);
    case BoxStatus::stopping: return "Stopping";
    case BoxStatus::paused: return "Up" + since(box.started_at, now) + " (Paused)";
    case BoxStatus::restarting: return fmt::format("Restarting ({})", box.restart_count);
    case BoxStatus::failed: return "Failed" + ago(box.stopped_at, now);
    case BoxStatus::stopped:
      if (box.exit_code) return fmt::format("Exited ({}){}", *box.exit_code, ago(box.stopped_at, now));
      return "Stopped" + ago(box.stopped_at, now);
  }
  return "-";
}

std::string command_text(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + quoted_if_needed(word);
  return text.empty() ? "-" : text;
}

std::string command_text(const BoxSpec& spec) {
  auto words = spec.entrypoint.value_or(std::vector<std::string>());
  words.insert(words.end(), spec.command.begin(), spec.command.end());
  return command_text(words);
}

std::string boxes_table(const std::vector<BoxInfo>& boxes, const TableStyle& style) {
  std::vector<std::string> headings{"BOX ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "NAME"};
  if (style.has_size) headings.emplace_back("SIZE");
  Table table(std::move(headings));
  for (const auto& box : boxes) {
    auto image = box.spec.image;
    auto command = command_text(box.spec);
    if (style.is_truncated) {
      image = shortened(image, image_width);
      command = shortened(command, command_width);
    }
    table.add_row({box.id, std::move(image), std::move(command), format_age(box.created_at, style.now),
                   status_text(box, style.now), box.spec.name.empty() ? "-" : box.spec.name,
                   format_size(box.disk_bytes)});
  }
  return table.text();
}

ImageName split_reference(std::string_view reference) {
  for (const std::string_view implied : {"docker.io/library/", "docker.io/"}) {
    if (reference.starts_with(implied)) {
      reference.remove_prefix(implied.size());
      break;
    }
  }
  const auto at = reference.find('@');
  const auto named = reference.substr(0, at);
  const auto colon = named.rfind(':');
  const auto slash = named.rfind('/');
  const bool has_tag = colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  if (!has_tag) return {std::string(named), "<none>"};
  return {std::string(named.substr(0, colon)), std::string(named.substr(colon + 1))};
}

std::string short_digest(std::string_view digest) {
  const auto colon = digest.find(':');
  if (colon != std::string_view::npos) digest.remove_prefix(colon + 1);
  return std::string(digest.substr(0, 12));
}

std::string images_table(const std::vector<ImageInfo>& images, const TableStyle& style) {
  Table table({"REPOSITORY", "TAG", "IMAGE ID", "PULLED", "SIZE"});
  for (const auto& image : images) {
    auto [repository, tag] = split_reference(image.reference);
    table.add_row({repository.empty() ? "<none>" : std::move(repository), std::move(tag),
                   style.is_truncated ? short_digest(image.id) : image.id,
                   format_age(image.pulled_at, style.now), format_size(image.size_bytes)});
  }
  return table.text();
}

OptionSet::Accept accept_format(OutputFormat& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    if (text == "table")
      target = OutputFormat::table;
    else if (text == "json")
      target = OutputFormat::json;
    else
      return "is not table or json";
    return std::nullopt;
  };
}

std::chrono::sys_seconds current_time() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace boxlite::cli
