// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/network_listing.h"

#include <chrono>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "cli/output/table.h"
#include "cli/output/units.h"

namespace boxlite::cli {

namespace {

std::string destination_text(const NetworkRecord& record) {
  std::string text = record.protocol;
  const auto add = [&text](std::string_view word) {
    if (!text.empty() && !word.empty()) text += ' ';
    text += word;
  };
  add(record.name);
  const bool is_v6 = record.address.find(':') != std::string::npos;
  auto place = is_v6 && record.port != 0 ? fmt::format("[{}]", record.address) : record.address;
  if (record.port != 0) place += fmt::format(":{}", record.port);
  add(place);
  return text;
}

std::string remark_text(const NetworkRecord& record) {
  if (record.type == "flow_end") {
    return fmt::format("sent {}, received {}, {:.3f} s", format_size(record.sent_bytes),
                       format_size(record.received_bytes),
                       static_cast<double>(record.duration.count()) / 1e3);
  }
  if (record.type == "skipped") return fmt::format("{} records: {}", record.count, record.reason);
  if (record.rule.empty()) return record.reason;
  return fmt::format("rule {}{}{}", record.rule, record.reason.empty() ? "" : ": ", record.reason);
}

}  // namespace

std::string network_time(const NetworkRecord& record) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(record.time);
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(record.time - seconds);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), milliseconds.count());
}

std::string policy_text(const NetworkSpec& network) {
  if (!network.is_enabled) return "no network\n";
  std::string text;
  for (const auto& rule : network.deny) text += fmt::format("deny {}\n", rule);
  for (const auto& rule : network.allow) text += fmt::format("allow {}\n", rule);
  if (network.ask) return text + "ask for all other public addresses\n";
  return text + (network.allow.empty() ? "allow all public addresses\n" : "deny all else\n");
}

std::string network_record_text(const NetworkRecord& record) {
  auto text =
      fmt::format("{} {}", network_time(record), record.verdict.empty() ? record.type : record.verdict);
  if (record.type == "dns") text += " dns";
  if (const auto place = destination_text(record); !place.empty()) text += ' ' + place;
  if (const auto remark = remark_text(record); !remark.empty()) text += fmt::format(" ({})", remark);
  return printable(text);
}

}  // namespace boxlite::cli
