// SPDX-License-Identifier: Apache-2.0
// The name server of one guest.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "linux/event_loop.h"
#include "net/dns/dns_message.h"
#include "net/dns/host_file.h"
#include "net/dns/host_resolver.h"
#include "net/dns/name_table.h"
#include "net/host_networks.h"
#include "netpolicy/address.h"
#include "netpolicy/audit_log.h"
#include "netpolicy/policy.h"

namespace boxlite::net {

// A name that is ours, for every policy: the gateway, the host alias, the box itself.
struct LocalName {
  std::string name;  // normal
  std::vector<netpolicy::IpAddress> addresses;
};

// Answers what the policy admits: our own names, those of the host's hosts file, and the rest by the host's
// name servers. What it tells the guest it pins in the NameTable. One thread, the loop's.
class DnsServer {
 public:
  struct Settings {
    std::vector<LocalName> names = {};
    std::filesystem::path hosts_file = "/etc/hosts";  // read again when it changes
    HostNetworks* networks = nullptr;
    HostResolver::Settings resolver = {};
    // False where the host has no way to IPv6: then programs need not find out by trying.
    bool tells_ipv6 = true;
  };
  enum class Transport : std::uint8_t { udp, tcp };
  using Reply = std::move_only_function<void(std::string message)>;

  // The loop, the table and the log (which may be null) outlive it.
  DnsServer(linux_::EventLoop& loop, NameTable& names, netpolicy::AuditLog* log,
            std::shared_ptr<const netpolicy::Policy> policy, Settings settings);
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  // `query` is one message, without the length that TCP puts before it. The reply comes at once or later,
  // once at most: what is no question gets none, nor does one that is still open when the server goes.
  void answer(std::string_view query, Transport transport, Reply reply);
  // Judges the questions that come from now on, and the answers to those that are open.
  void set_policy(std::shared_ptr<const netpolicy::Policy> policy) { policy_ = std::move(policy); }
  std::size_t open_questions() const { return resolver_.open_questions(); }

 private:
  struct Asked;

  void answer_question(Asked asked);
  bool answer_local(Asked& asked);
  bool answer_from_hosts(Asked& asked);
  void answer_upstream(Asked asked, const Result<DnsMessage>& upstream);
  bool may_tell(const netpolicy::IpAddress& address);
  void tell(Asked& asked, std::vector<DnsRecord> records, bool is_ours);
  void refuse(Asked& asked, const netpolicy::Verdict& verdict);
  void fail_at(Asked& asked, std::uint16_t rcode, std::uint16_t why_code, std::string why);
  void send(Asked& asked);
  void record(const Asked& asked, std::string_view verdict, std::string rule, const std::string& reason);

  NameTable& names_;
  netpolicy::AuditLog* log_;
  std::shared_ptr<const netpolicy::Policy> policy_;
  Settings settings_;
  HostFile hosts_file_;
  HostAddresses hosts_;
  HostResolver resolver_;
};

}  // namespace boxlite::net
