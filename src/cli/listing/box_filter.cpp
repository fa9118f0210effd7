// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/box_filter.h"

#include <algorithm>
#include <optional>

#include "cli/listing/listing.h"
#include "model/enum_names.h"

namespace boxlite::cli {

namespace {

// Docker's names for two of the states.
std::string_view our_status(std::string_view status) {
  if (status == "created") return "configured";
  if (status == "exited") return "stopped";
  return status;
}

template <typename Matches>
bool any(const std::vector<std::string>& values, Matches matches) {
  return values.empty() || std::ranges::any_of(values, matches);
}

// "key", whatever its value, or "key=value".
bool has_label(const BoxInfo& box, std::string_view wanted) {
  const auto equals = std::min(wanted.find('='), wanted.size());
  return std::ranges::any_of(box.spec.labels, [&](const auto& label) {
    if (label.first != wanted.substr(0, equals)) return false;
    return equals == wanted.size() || label.second == wanted.substr(equals + 1);
  });
}

bool is_from(const BoxInfo& box, std::string_view image) {
  if (box.spec.image == image || box.image_digest == image) return true;
  const auto wanted = split_reference(image);
  const auto used = split_reference(box.spec.image);
  if (wanted.repository != used.repository) return false;
  return wanted.tag == "<none>" || wanted.tag == (used.tag == "<none>" ? "latest" : used.tag);
}

}  // namespace

OptionSet::Accept BoxFilter::accept() {
  return [this](std::string_view text) -> std::optional<std::string> {
    const auto equals = std::min(text.find('='), text.size());
    const auto key = text.substr(0, equals);
    const auto value = text.substr(std::min(equals + 1, text.size()));
    if (value.empty()) return "is no filter: write status=running or name=web";
    if (key == "status") {
      statuses_.emplace_back(our_status(value));
    } else if (key == "name") {
      names_.emplace_back(value);
    } else if (key == "id") {
      ids_.emplace_back(value);
    } else if (key == "ancestor") {
      images_.emplace_back(value);
    } else if (key == "label") {
      labels_.emplace_back(value);
    } else if (key == "health") {
      if (!model::parse<HealthStatus>(value)) return "is no health: none, starting, healthy or unhealthy";
      healths_.emplace_back(value);
    } else {
      return "is no filter: there are status=, name=, id=, ancestor=, health= and label=";
    }
    return std::nullopt;
  };
}

bool BoxFilter::matches(const BoxInfo& box) const {
  return any(statuses_, [&](const std::string& status) { return name(box.status) == status; }) &&
         any(names_,
             [&](const std::string& part) { return box.spec.name.find(part) != std::string::npos; }) &&
         any(ids_, [&](const std::string& begin) { return box.id.starts_with(begin); }) &&
         any(images_, [&](const std::string& image) { return is_from(box, image); }) &&
         any(healths_, [&](const std::string& health) { return name(box.health.status) == health; }) &&
         std::ranges::all_of(labels_, [&](const std::string& label) { return has_label(box, label); });
}

}  // namespace boxlite::cli
