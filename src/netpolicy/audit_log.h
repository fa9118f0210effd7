// SPDX-License-Identifier: Apache-2.0
// What a box's network did, for its owner: network.log in the box's directory, one JSON object a line, and
// network.log.1, the file before. docs/reference/network-log.md lists the fields.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "netpolicy/flow.h"
#include "netpolicy/policy.h"

namespace boxlite::netpolicy {

struct AuditRecord {
  enum class Kind : std::uint8_t {
    flow,      // one was decided
    flow_end,  // an allowed one is over
    dns,       // a name was asked for
    skipped,   // so many records were left out, because there were too many in too short a time
    policy,    // another policy is in force
  };

  Timestamp time = {};  // set by AuditLog::append
  Kind kind = Kind::flow;
  std::optional<Protocol> protocol = {};
  std::string name = {};  // that the guest asked for or used: lower-case; empty: only an address
  std::optional<IpAddress> address = {};
  std::uint16_t port = 0;
  std::string verdict = {};  // "allow", "deny"; of dns also "failed"
  std::string rule = {};
  std::string reason = {};
  std::uint64_t sent = 0;                   // by the guest, of flow_end
  std::uint64_t received = 0;               // by the guest, of flow_end
  std::chrono::milliseconds duration = {};  // of flow_end
  std::uint64_t count = 0;                  // of skipped

  bool operator==(const AuditRecord&) const = default;
};

// "flow", "flow_end", …
std::string_view name(AuditRecord::Kind kind);

AuditRecord audit_of(const Flow& flow, const Verdict& verdict);
AuditRecord audit_end(const Flow& flow, std::uint64_t sent, std::uint64_t received,
                      std::chrono::milliseconds duration);

// One line, with its newline. What is not UTF-8 is replaced; long texts are cut.
std::string to_line(const AuditRecord& record);
// corrupted unless it is a record. Unknown fields are ignored.
Result<AuditRecord> parse_audit_record(std::string_view line);

inline constexpr std::string_view audit_file_name = "network.log";
inline constexpr std::size_t longest_audit_line = 16384;
std::filesystem::path old_audit_file(const std::filesystem::path& file);

// Appends. Never fails and never waits for anything but the file system: a guest that floods it, or a full
// disk, costs records, which are counted and told by a `skipped` one. One thread, one writer per box.
class AuditLog {
 public:
  struct Limits {
    std::size_t file_bytes = 4u << 20;
    double records_per_second = 200;
    double burst = 1000;
  };
  using Clock = std::chrono::steady_clock;

  explicit AuditLog(std::filesystem::path file) : AuditLog(std::move(file), Limits()) {}
  AuditLog(std::filesystem::path file, const Limits& limits);
  // Tells what was skipped last.
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  void append(AuditRecord record, Clock::time_point now = Clock::now());

 private:
  bool take_token(Clock::time_point now);
  bool write(AuditRecord record);
  void tell_skipped();
  bool open_current();
  bool rotate();

  std::filesystem::path path_;
  Limits limits_;
  UniqueFd file_;
  std::size_t size_ = 0;
  double tokens_;
  Clock::time_point refilled_;
  std::uint64_t skipped_ = 0;
};

}  // namespace boxlite::netpolicy
