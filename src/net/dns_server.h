// SPDX-License-Identifier: Apache-2.0
// The name server of one guest.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "linux/event_loop.h"
#include "net/address.h"
#include "net/audit_log.h"
#include "net/name_table.h"
#include "net/policy.h"

namespace boxlite::net {

class HostResolver;

// A name that is ours: the gateway, the host alias, the box itself.
struct LocalName {
  std::string name;
  std::vector<IpAddress> addresses;
};

// Answers what the policy admits: our own names, those of the host's hosts file, and the rest by the host's
// resolvers. What it tells the guest it pins in the NameTable. One thread, the loop's.
class DnsServer {
 public:
  struct Settings {
    std::vector<LocalName> names = {};
    std::filesystem::path hosts_file = "/etc/hosts";
    std::filesystem::path resolv_conf = "/etc/resolv.conf";
    // Replaces the name servers of resolv_conf: for tests and for an option.
    std::vector<std::pair<IpAddress, std::uint16_t>> upstreams = {};
    // From the question to an answer, failure included. Stub resolvers of guests give up after 5 s.
    std::chrono::milliseconds limit = std::chrono::milliseconds(4000);
  };
  enum class Transport : std::uint8_t { udp, tcp };
  using Reply = std::move_only_function<void(std::string message)>;

  // The loop, the table and the log (which may be null) outlive it.
  static Result<std::unique_ptr<DnsServer>> create(linux_::EventLoop& loop, NameTable& names, AuditLog* log,
                                                   std::shared_ptr<const Policy> policy, Settings settings);
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;
  ~DnsServer();

  // `query` is one message, without the length that TCP puts before it. The reply comes at once or later,
  // once at most: what is no question gets none, nor does one that is still open when the server goes.
  void answer(std::string_view query, Transport transport, Reply reply);
  void set_policy(std::shared_ptr<const Policy> policy);
  std::size_t open_questions() const;

 private:
  class Impl;
  explicit DnsServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace boxlite::net
