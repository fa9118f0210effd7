// SPDX-License-Identifier: Apache-2.0
// What of the network a box has. Plain values, but for the listener.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boxlite/error.hpp>

namespace boxlite {

namespace backend {
class Tunnel;
}

enum class PortProtocol { tcp, udp };

// As in the enum. Thread-safe.
BOXLITE_API std::string_view name(PortProtocol protocol);

// A port of the host that leads to one of the box.
struct PublishedPort {
  std::string host_address = "127.0.0.1";  // an address of the host; "0.0.0.0" and "::" are all of a family
  std::uint16_t host_port = 0;             // 0: chosen when the box starts; the last one again if it is free
  std::uint16_t box_port = 0;
  PortProtocol protocol = PortProtocol::tcp;
  bool operator==(const PublishedPort&) const = default;
};

// A port that something in the box is meant to listen on; says nothing about who reaches it.
struct ExposedPort {
  std::uint16_t port = 0;
  PortProtocol protocol = PortProtocol::tcp;
  bool operator==(const ExposedPort&) const = default;
};

// A name that the box knows, in its /etc/hosts and from its name server, whatever the network's names say.
struct HostEntry {
  // A dot at its end is dropped; it is found as written and in lower case.
  std::string name = {};
  // "192.0.2.1", "2001:db8::1", or "host-gateway": the host, as under host.boxlite.internal. That a box knows
  // an address does not open it: a private one needs a rule with the address, the host one with its name.
  std::string address = {};
  bool operator==(const HostEntry&) const = default;
};

// How a box looks names up. Its own server answers it; this is whom that one asks.
struct DnsSettings {
  // Addresses of name servers, asked from the host in place of those that the host itself asks; at most 8.
  // They may be private or the host's own: that they are named here is the permission, and only our server
  // reaches them.
  std::vector<std::string> servers = {};
  std::vector<std::string> search = {};   // domains for names without a dot, at most 16
  std::vector<std::string> options = {};  // words of resolv.conf(5), "ndots:2"; at most 16
  bool operator==(const DnsSettings&) const = default;
};

// What a box may reach.
struct NetworkPolicy {
  // Rules: [tcp:|udp:]HOST[:PORTS]. Empty: all public addresses, or, with `ask`, none.
  std::vector<std::string> allow = {};
  // What may not be reached, whatever `allow` says.
  std::vector<std::string> deny = {};
  // Public destinations that no rule decides are asked for (Box::on_network_request). They are refused
  // without a listener, or when none answers within 30 s; the first of a start waits 1 s for a listener.
  bool ask = false;
  bool operator==(const NetworkPolicy&) const = default;
};

// A destination that is asked for. All connections to it wait for the answer.
struct NetworkRequest {
  std::string protocol = {};  // "tcp", "udp", "icmp"
  std::string address = {};
  std::uint16_t port = 0;  // 0 for icmp
  // That the box looked up for this address; empty: it was told by somebody else.
  std::vector<std::string> names = {};
};
// True: it may. Called from a thread of its own, one request at a time; may take its time, as long as the
// others can wait. Throwing is refusing.
using NetworkCallback = std::function<bool(const NetworkRequest&)>;

// Whoever is asked. Dropping it ends that, and waits for a callback under way; not from within the callback.
class BOXLITE_API NetworkListener {
 public:
  explicit NetworkListener(std::shared_ptr<void> backend) : backend_(std::move(backend)) {}

 private:
  std::shared_ptr<void> backend_;
};

// Where a tunnel leads: exactly one of the two is set.
struct TunnelTarget {
  std::uint16_t port = 0;      // TCP, on the box's own loopback: 127.0.0.1, and ::1 when that is refused
  std::string unix_path = {};  // a stream socket in the box's file system, absolute
  bool operator==(const TunnelTarget&) const = default;
};

// A connected stream to a service in a box, from Box::open_tunnel. A handle, cheap to copy. Thread-safe.
//
// The stream is a descriptor, served by the Runtime's I/O thread for as long as a handle of the tunnel or of
// its box lives. What is not read waits, within bounds, and then the writer waits: a tunnel that stands still
// slows no other.
class BOXLITE_API Tunnel {
 public:
  explicit Tunnel(std::shared_ptr<backend::Tunnel> backend);

  // A connected stream socket: blocking, close-on-exec, closed with the last handle; dup() it to keep it for
  // longer. shutdown(SHUT_WR) is what the service sees as the end; the end of reading is the service's, or
  // that of the tunnel: wait() knows. What was written before the last duplicate is closed still goes to the
  // service, unless that goes on sending, as with TCP.
  int fd() const;
  // Blocks until nothing more will come from the box, whether or not it has been read. A success: the service
  // has ended its side. unavailable: the connection broke in the box. stopped: the box went away.
  Result<void> wait() const;

 private:
  std::shared_ptr<backend::Tunnel> backend_;
};

struct NetworkSpec {
  // False: there is the loopback and nothing else; all that follows, but `exposed` and `hosts`, is empty
  // then.
  bool is_enabled = true;
  // Rules ([tcp:|udp:]HOST[:PORTS]) of what may be reached; empty: all public addresses.
  std::vector<std::string> allow = {};
  // Of what may not, whatever `allow` says.
  std::vector<std::string> deny = {};
  bool ask = false;  // see NetworkPolicy
  // At most 256, each at another place of the host.
  std::vector<PublishedPort> ports = {};
  // Besides those that the image exposes.
  std::vector<ExposedPort> exposed = {};
  // All that is exposed, by the image or by `exposed`, and is not in `ports`, gets a port of 127.0.0.1 at
  // each start. More than 256 ports in all are refused: when the box is made, or, if they are the image's,
  // when it starts.
  bool publish_exposed = false;
  // At most 256; without a network too.
  std::vector<HostEntry> hosts = {};
  DnsSettings dns = {};
  // Of all frames, in kbit/s; 0: no limit.
  std::uint64_t send_limit_kbit = 0;  // what the box may send
  std::uint64_t receive_limit_kbit = 0;
  bool operator==(const NetworkSpec&) const = default;
};

}  // namespace boxlite
