// SPDX-License-Identifier: Apache-2.0
// A box's way to everything else: the other end of its cable. Each flow is judged at its first packet, and
// goes on by slirp, by a StreamHandler, or not at all; what is refused is told so at once. One thread, the
// loop's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"
#include "net/dns/dns_server.h"
#include "net/dns/name_table.h"
#include "net/flow_table.h"
#include "net/host_networks.h"
#include "net/link/frame.h"
#include "net/link/link.h"
#include "net/link/slirp_stack.h"
#include "net/stream_handler.h"
#include "netpolicy/audit_log.h"
#include "netpolicy/policy.h"

namespace boxlite::net {

struct GatewayCounters {
  std::uint64_t sent_bytes = 0;  // by the guest: whole frames
  std::uint64_t sent_packets = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t received_packets = 0;
  std::uint64_t connections = 0;  // flows that were let through
  std::uint64_t refusals = 0;     // flows that were not
  std::uint64_t dropped = 0;      // frames that nobody understands
};

// What a guest may cost its shim.
struct GatewayBounds {
  FlowCapacity flows = {};
  std::size_t sockets = 4096;  // of the stack; then there are no new flows until some of them close
};

class Gateway {
 public:
  // Answers later, or never.
  using Ask =
      std::function<void(const netpolicy::Flow& flow, std::move_only_function<void(bool is_allowed)> answer)>;
  // A datagram of the guest to a port of the host alias; false: not mine.
  using DatagramSink =
      std::function<bool(std::uint16_t guest_port, std::uint16_t alias_port, ConstBytes payload)>;
  // Each frame, and whether the guest sent it.
  using Tap = std::function<void(ConstBytes frame, bool is_from_guest)>;

  // All pointers may be null, outlive the gateway, and are used by the loop's thread.
  struct Parts {
    std::shared_ptr<const netpolicy::Policy> policy = {};
    NameTable* names = nullptr;
    HostNetworks* networks = nullptr;
    DnsServer* dns = nullptr;
    StreamHandler* dns_streams = nullptr;  // DNS over TCP
    StreamHandler* inspector = nullptr;    // null: what must be inspected is judged as if it had told no name
    netpolicy::AuditLog* log = nullptr;
    Ask ask = {};
  };

  // `link`: the cable's end. `directory`: for sockets, private to this user.
  static Result<std::unique_ptr<Gateway>> create(linux_::EventLoop& loop, UniqueFd link,
                                                 const std::filesystem::path& directory, Parts parts,
                                                 const GatewayBounds& bounds = {});
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  ~Gateway();

  // Flows that go on and are not allowed any more end at once.
  void set_policy(std::shared_ptr<const netpolicy::Policy> policy);
  void set_limits(const Link::Limits& limits) { link_->set_limits(limits); }
  void set_datagram_sink(DatagramSink sink) { datagram_sink_ = std::move(sink); }
  void set_tap(Tap tap) { tap_ = std::move(tap); }

  // A connection to a TCP port of the guest, in the making: what the guest refuses is closed. timed_out: too
  // many at once, try again after the loop has turned. resource_exhausted: GatewayBounds.
  Result<UniqueFd> connect_to_guest(std::uint16_t port);
  // A datagram from a port of the host alias.
  void send_to_guest(std::uint16_t alias_port, std::uint16_t guest_port, ConstBytes payload);

  const GatewayCounters& counters() const { return counters_; }
  std::size_t flows() const { return flows_.size(); }

 private:
  Gateway(linux_::EventLoop& loop, Parts parts, const GatewayBounds& bounds)
      : loop_(loop), parts_(std::move(parts)), bounds_(bounds), flows_(bounds.flows) {}
  Result<void> open(UniqueFd link, const std::filesystem::path& directory);

  // gateway.cpp: frames and flows
  void on_guest_frame(FrameBytes frame);
  void on_guest_packet(Packet& packet);
  void on_stack_frame(FrameBytes frame);
  void on_stack_packet(Packet& packet);
  void on_inner_packet(Packet& packet);
  FlowEntry& begin_inbound(const FlowKey& key);
  bool take_datagram(const Packet& packet);
  void ask_dns(const Packet& packet);
  void pass(FlowEntry& entry, Packet& packet);
  void pass_inspected(const FlowEntry& entry, Packet& packet);
  void take_inspected(const netpolicy::Flow& flow);
  void note_sent(FlowEntry& entry, const Packet& packet) const;
  void send(ConstBytes frame);
  void send(const std::string& frame);
  // A refusal by its very packet.
  void refuse(const Packet& packet);

  // gateway_judge.cpp: whether, and its end
  netpolicy::Flow flow_of(const Packet& packet) const;
  void judge(const FlowKey& key, Packet& packet);
  FlowEntry& begin(FlowEntry entry, const Packet& packet);
  void hold(const FlowKey& key, const netpolicy::Flow& flow, const Packet& packet);
  void answer(std::uint64_t number, bool is_allowed);
  // The entry is out of the table.
  void end(const FlowEntry& entry);
  // And its ends are told.
  void cut(const FlowEntry& entry);
  // Those that had to make room, once the loop comes round: whoever makes room is in the middle of something.
  void cut_evicted_later();
  bool has_room() const { return stack_->sockets() < bounds_.sockets; }
  void record(const netpolicy::Flow& flow, const netpolicy::Verdict& verdict);
  void sweep_later();

  linux_::EventLoop& loop_;
  Parts parts_;
  GatewayBounds bounds_;
  UniqueFd directory_;
  std::string directory_path_;  // short
  UniqueFd inspection_;         // listens for what slirp connects
  std::unique_ptr<Link> link_;
  std::unique_ptr<SlirpStack> stack_;
  FlowTable flows_;
  std::list<FlowEntry> evicted_;
  linux_::EventLoop::Timer cutting_;
  bool is_cut_due_ = false;
  GatewayCounters counters_;
  DatagramSink datagram_sink_;
  Tap tap_;
  std::unordered_map<std::uint16_t, std::filesystem::path> inlets_;  // by the guest's port
  linux_::EventLoop::Timer sweep_;
  bool is_sweep_due_ = false;
  std::size_t held_ = 0;  // flows for which somebody is asked
  // Answers that come later find out whether there still is a gateway.
  std::shared_ptr<Gateway*> self_ = std::make_shared<Gateway*>(this);
};

}  // namespace boxlite::net
