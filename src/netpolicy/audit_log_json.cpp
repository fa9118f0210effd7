// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "base/concat.h"
#include "netpolicy/audit_log.h"

namespace boxlite::netpolicy {
namespace {

using json = nlohmann::ordered_json;  // the time first, for people
using Kind = AuditRecord::Kind;

constexpr std::size_t longest_text = 400;

constexpr std::array kinds = {Kind::flow, Kind::flow_end, Kind::dns, Kind::skipped, Kind::policy};
constexpr std::array protocols = {Protocol::tcp, Protocol::udp, Protocol::icmp};

void put_text(json& object, const char* field, const std::string& text) {
  if (text.size() > longest_text) {
    object[field] = text.substr(0, longest_text) + "...";
  } else if (!text.empty()) {
    object[field] = text;
  }
}

std::unexpected<Error> no_record(std::string_view why) {
  return fail(ErrorCode::corrupted, concat("a line of the network log is no record: ", why));
}

Result<std::string> take_text(const json& object, const char* field) {
  const auto found = object.find(field);
  if (found == object.end()) return std::string();
  if (!found->is_string()) return no_record(field);
  return found->get<std::string>();
}

Result<std::uint64_t> take_number(const json& object, const char* field, std::uint64_t most = ~0ull >> 1) {
  const auto found = object.find(field);
  if (found == object.end()) return 0;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() > most) return no_record(field);
  return found->get<std::uint64_t>();
}

Result<void> take_destination(const json& object, AuditRecord& out) {
  if (const auto text = BOXLITE_TRY(take_text(object, "protocol")); !text.empty()) {
    const auto found = std::ranges::find(protocols, text, [](Protocol one) { return name(one); });
    if (found == protocols.end()) return no_record("protocol");
    out.protocol = *found;
  }
  if (const auto text = BOXLITE_TRY(take_text(object, "address")); !text.empty()) {
    out.address = IpAddress::parse(text);
    if (!out.address) return no_record("address");
  }
  out.port = static_cast<std::uint16_t>(BOXLITE_TRY(take_number(object, "port", 65535)));
  return {};
}

}  // namespace

std::string_view name(Kind kind) {
  switch (kind) {
    case Kind::flow: return "flow";
    case Kind::flow_end: return "flow_end";
    case Kind::dns: return "dns";
    case Kind::skipped: return "skipped";
    case Kind::policy: return "policy";
  }
  return "unknown";
}

std::string to_line(const AuditRecord& record) {
  json object = {{"time", to_rfc3339(record.time)}, {"type", name(record.kind)}};
  if (record.protocol) object["protocol"] = name(*record.protocol);
  put_text(object, "name", record.name);
  if (record.address) object["address"] = record.address->str();
  if (record.port != 0) object["port"] = record.port;
  put_text(object, "verdict", record.verdict);
  put_text(object, "rule", record.rule);
  put_text(object, "reason", record.reason);
  if (record.kind == Kind::flow_end) {
    object["sent"] = record.sent;
    object["received"] = record.received;
    object["duration_ms"] = record.duration.count();
  }
  if (record.kind == Kind::skipped) object["count"] = record.count;
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<AuditRecord> parse_audit_record(std::string_view line) {
  const auto object = json::parse(line, nullptr, false);
  if (!object.is_object()) return no_record("not an object");
  AuditRecord record;
  const auto time = BOXLITE_TRY(take_text(object, "time"));
  record.time = BOXLITE_TRY(parse_rfc3339(time));
  const auto type = BOXLITE_TRY(take_text(object, "type"));
  const auto kind = std::ranges::find(kinds, type, [](Kind one) { return name(one); });
  if (kind == kinds.end()) return no_record("type");
  record.kind = *kind;
  BOXLITE_TRY(take_destination(object, record));
  record.name = BOXLITE_TRY(take_text(object, "name"));
  record.verdict = BOXLITE_TRY(take_text(object, "verdict"));
  record.rule = BOXLITE_TRY(take_text(object, "rule"));
  record.reason = BOXLITE_TRY(take_text(object, "reason"));
  record.sent = BOXLITE_TRY(take_number(object, "sent"));
  record.received = BOXLITE_TRY(take_number(object, "received"));
  const auto duration = BOXLITE_TRY(take_number(object, "duration_ms"));
  record.duration = std::chrono::milliseconds(duration);
  record.count = BOXLITE_TRY(take_number(object, "count"));
  return record;
}

}  // namespace boxlite::netpolicy
