// SPDX-License-Identifier: Apache-2.0
// What a box's network was asked for, let through and refused, kept by the box's own process until the box is
// removed: the last 4 to 8 MiB of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <boxlite/call_options.hpp>
#include <boxlite/error.hpp>
#include <boxlite/time_point.hpp>

namespace boxlite {

namespace backend {
class NetworkLog;
}

struct NetworkLogOptions {
  // Go on with what comes until the box stops.
  bool follow = false;
  // Only the last so many records.
  std::optional<std::uint64_t> tail = {};
};

// docs/reference/network-log.md says which type has which fields; the others are empty.
struct NetworkRecord {
  TimePoint time = {};
  std::string type = {};      // "flow", "flow_end", "dns", "policy", "skipped"
  std::string protocol = {};  // "tcp", "udp", "icmp"
  std::string name = {};      // that the box asked for
  std::string address = {};
  std::uint16_t port = 0;
  std::string verdict = {};  // "allow", "deny", "failed"
  std::string rule = {};     // that decided, as it was written
  std::string reason = {};
  std::uint64_t sent_bytes = 0;  // by the box
  std::uint64_t received_bytes = 0;
  std::chrono::milliseconds duration = {};
  std::uint64_t count = 0;  // of records that were left out
};

// A handle, cheap to copy; all copies read on at one place. Thread-safe.
class BOXLITE_API NetworkLog {
 public:
  explicit NetworkLog(std::shared_ptr<backend::NetworkLog> backend);

  // The next record; nullopt at the end. Blocks only while following. One that ended early goes on with the
  // next call.
  Result<std::optional<NetworkRecord>> next(const CallOptions& call = {});

 private:
  std::shared_ptr<backend::NetworkLog> backend_;
};

}  // namespace boxlite
