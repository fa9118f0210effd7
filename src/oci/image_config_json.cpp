// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "oci/fields.h"
#include "oci/image_config.h"
#include "oci/manifest.h"

namespace boxlite::oci {
namespace {

using nlohmann::json;

constexpr std::size_t max_items = 10'000;

// What is no usable check is none: the image runs all the same.
ImageHealthCheck read_health(const json& object) {
  const auto* check = fields::find(object, "Healthcheck");
  if (!check || !check->is_object()) return {};
  const auto test = fields::texts(*check, "Test", max_items);
  if (!test) return {};
  // In nanoseconds; a year is longer than anybody means.
  const auto duration = [&](const char* key) {
    constexpr std::int64_t a_year_ms = 366ll * 24 * 3600 * 1000;
    const auto* value = fields::find(*check, key);
    if (!value || !value->is_number_unsigned()) return std::chrono::milliseconds(0);
    const auto ms = value->get<std::uint64_t>() / 1'000'000;
    return std::chrono::milliseconds(
        static_cast<std::int64_t>(std::min<std::uint64_t>(ms, static_cast<std::uint64_t>(a_year_ms))));
  };
  ImageHealthCheck health{.test = *test};
  health.interval = duration("Interval");
  health.timeout = duration("Timeout");
  health.start_period = duration("StartPeriod");
  const auto* retries = fields::find(*check, "Retries");
  if (retries && retries->is_number_unsigned()) {
    health.retries = static_cast<unsigned>(std::min<std::uint64_t>(retries->get<std::uint64_t>(), 1000));
  }
  return health;
}

Result<void> read_process(const json& object, ImageConfig& config) {
  config.env = BOXLITE_TRY(fields::texts(object, "Env", max_items));
  config.entrypoint = BOXLITE_TRY(fields::texts(object, "Entrypoint", max_items));
  config.cmd = BOXLITE_TRY(fields::texts(object, "Cmd", max_items));
  config.working_dir = BOXLITE_TRY(fields::text(object, "WorkingDir"));
  config.user = BOXLITE_TRY(fields::text(object, "User"));
  config.exposed_ports = BOXLITE_TRY(fields::keys(object, "ExposedPorts", max_items));
  config.volumes = BOXLITE_TRY(fields::keys(object, "Volumes", max_items));
  config.labels = BOXLITE_TRY(fields::text_map(object, "Labels", max_items));
  config.stop_signal = BOXLITE_TRY(fields::text(object, "StopSignal"));
  config.health = read_health(object);
  return {};
}

Result<std::vector<Digest>> read_diff_ids(const json& document) {
  std::vector<Digest> diff_ids;
  const auto* rootfs = fields::find(document, "rootfs");
  if (!rootfs) return diff_ids;
  if (!rootfs->is_object()) return fields::wrong("rootfs", "an object");
  const auto texts = BOXLITE_TRY(fields::texts(*rootfs, "diff_ids", max_layers));
  for (const auto& text : texts) {
    auto digest = Digest::parse(text);
    if (!digest) return fail(ErrorCode::corrupted, digest.error().message());
    diff_ids.push_back(*std::move(digest));
  }
  return diff_ids;
}

Result<std::vector<HistoryEntry>> read_history(const json& document) {
  std::vector<HistoryEntry> history;
  const auto* list = fields::find(document, "history");
  if (!list) return history;
  if (!list->is_array() || list->size() > max_items) return fields::wrong("history", "a list");
  for (const auto& item : *list) {
    if (!item.is_object()) return fields::wrong("history", "a list of objects");
    HistoryEntry entry;
    entry.created = BOXLITE_TRY(fields::text(item, "created"));
    entry.created_by = BOXLITE_TRY(fields::text(item, "created_by"));
    entry.comment = BOXLITE_TRY(fields::text(item, "comment"));
    entry.empty_layer = BOXLITE_TRY(fields::flag(item, "empty_layer"));
    history.push_back(std::move(entry));
  }
  return history;
}

Result<ImageConfig> read_config(const json& document) {
  ImageConfig config;
  config.platform.os = BOXLITE_TRY(fields::text(document, "os"));
  config.platform.architecture = BOXLITE_TRY(fields::text(document, "architecture"));
  config.platform.variant = BOXLITE_TRY(fields::text(document, "variant"));
  config.platform = config.platform.normalised();
  config.author = BOXLITE_TRY(fields::text(document, "author"));
  const auto created = BOXLITE_TRY(fields::text(document, "created"));
  if (auto time = parse_rfc3339(created)) config.created = *time;
  if (const auto* process = fields::find(document, "config")) {
    if (!process->is_object()) return fields::wrong("config", "an object");
    BOXLITE_TRY(read_process(*process, config));
  }
  config.diff_ids = BOXLITE_TRY(read_diff_ids(document));
  config.history = BOXLITE_TRY(read_history(document));
  return config;
}

}  // namespace

Result<ImageConfig> parse_image_config(std::string_view text) {
  const auto document = BOXLITE_TRY(fields::parse(text, "image configuration", max_document_bytes));
  if (!document.is_object())
    return fail(ErrorCode::corrupted, "parse image configuration: not a JSON object");
  return BOXLITE_TRY_CONTEXT("parse image configuration", read_config(document));
}

}  // namespace boxlite::oci
