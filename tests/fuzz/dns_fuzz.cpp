// SPDX-License-Identifier: Apache-2.0
// links: net linux base
// Messages of DNS, from the guest and from name servers: what is taken can be written, and then read as the
// same. A name server that knows no upstream answers them as well.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/dns/dns_server.h"

using namespace boxlite;

namespace {

void write_again(std::string_view bytes) {
  const auto message = net::parse_dns_message(bytes);
  if (!message) return;
  for (const auto& question : message->questions) {
    if (question.name.wire().size() > 255) std::abort();
    (void)question.name.text();
  }
  const auto written = net::encode(*message);
  if (written.size() > net::longest_dns_message) return;  // names that were compressed inside of records
  const auto again = net::parse_dns_message(written);
  if (!again || net::encode(*again) != written) std::abort();
  if (net::encode(*message, 512).size() > 512 && message->questions.size() == 1) std::abort();
}

void answer(std::string_view bytes) {
  static const auto loop = linux_::EventLoop::create().value();
  static net::NameTable names;
  static const auto policy = netpolicy::Policy::create({.deny = {"*"}}).value();
  static net::DnsServer server(*loop, names, nullptr, policy, {.hosts_file = "/dev/null"});
  const auto header = net::parse_dns_header(bytes);
  bool is_answered = false;
  server.answer(bytes, net::DnsServer::Transport::udp, [&](const std::string& reply) {
    is_answered = true;
    const auto read = net::parse_dns_message(reply);
    if (!read || !read->is_response || read->id != header->id) std::abort();
  });
  if (is_answered != (header && !header->is_response)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  write_again(bytes);
  answer(bytes);
  return 0;
}
