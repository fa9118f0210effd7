// SPDX-License-Identifier: Apache-2.0
// links: net base
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "net/link/frame.h"
#include "net/local_addresses.h"

namespace {

using namespace boxlite::net;

void check_same(FrameBytes frame, const Packet& packet) {
  const auto again = parse_packet(frame);
  if (!again || again->source != packet.source || again->destination != packet.destination ||
      again->source_port != packet.source_port || again->destination_port != packet.destination_port)
    std::abort();
}

FrameBytes bytes_of(std::string& frame) {
  return {reinterpret_cast<std::uint8_t*>(frame.data()), frame.size()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > max_frame) return 0;
  std::vector<std::uint8_t> frame(data, data + size);
  auto packet = parse_packet(frame);
  if (!packet) return 0;
  if (auto refusal = make_refusal(*packet); !refusal.empty() && !parse_packet(bytes_of(refusal)))
    std::abort();
  const bool has_ports = packet->is(IpProtocol::tcp) || packet->is(IpProtocol::udp);
  if (!has_ports) return 0;
  if (packet->payload > packet->frame.size()) std::abort();
  if (packet->is(IpProtocol::tcp) && packet->frame.size() < 60'000) {
    auto carried =
        carry_over(*packet, packet->is_v6 ? guest_v4 : guest_v6, 1, packet->is_v6 ? host_v4 : host_v6, 2);
    if (!parse_packet(bytes_of(carried))) std::abort();
  }
  set_source(*packet, packet->is_v6 ? guest_v6 : guest_v4, 4242);
  set_destination(*packet, packet->is_v6 ? host_v6 : host_v4, 53);
  check_same(frame, *packet);
  return 0;
}
