// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "linux/event_loop.h"
#include "net/dns/dns_exchange.h"
#include "net/dns/host_file.h"

namespace boxlite::net {

// Asks the name servers that the host itself asks. One thread, the loop's. No cache: the host's resolver has
// one mostly, and the guest's programs.
class HostResolver {
 public:
  struct Settings {
    std::filesystem::path resolv_conf = "/etc/resolv.conf";  // read again when it changes
    std::vector<NameServer> servers = {};                    // instead of those in resolv_conf
    std::chrono::milliseconds limit = std::chrono::seconds(4);
  };
  using Done = DnsExchange::Done;
  static constexpr std::size_t most_open = 128;

  HostResolver(linux_::EventLoop& loop, Settings settings)
      : loop_(loop), settings_(std::move(settings)), file_(settings_.resolv_conf) {}
  HostResolver(const HostResolver&) = delete;
  HostResolver& operator=(const HostResolver&) = delete;

  // `done` gets a server's answer to the question (no_error or no_such_name), or why there is none within the
  // limit. It is called once, from the loop or at once; not after the resolver has gone. Too many questions
  // at a time: resource_exhausted at once.
  void resolve(DnsQuestion question, Done done);
  std::size_t open_questions() const { return open_.size(); }

 private:
  struct Lookup {
    DnsQuestion question;
    Done done;
    std::vector<NameServer> servers;
    std::size_t attempts = 0;
    std::size_t most_attempts = 0;
    bool has_edns = true;
    std::string last_failure;
    std::unique_ptr<DnsExchange> exchange;
    linux_::EventLoop::Timer timer;  // of all attempts together
  };

  const std::vector<NameServer>& servers();
  void attempt(std::uint64_t id);
  void judge(std::uint64_t id, Result<DnsMessage> result);
  void finish(std::uint64_t id, Result<DnsMessage> result);

  linux_::EventLoop& loop_;
  Settings settings_;
  HostFile file_;
  std::vector<NameServer> servers_of_file_;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, Lookup> open_;
};

}  // namespace boxlite::net
