// SPDX-License-Identifier: Apache-2.0
#include "cli/tunnel/tunnel_forward.h"

#include <array>
#include <atomic>
#include <chrono>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/output/output.h"
#include "cli/terminal/descriptor.h"
#include "cli/terminal/end_signals.h"
#include "cli/terminal/pipe.h"
#include "cli/terminal/stream_relay.h"

namespace boxlite::cli {

namespace {

// As many as there may be tunnels into a box; more wait to be accepted.
constexpr std::size_t most_connections = 256;
// How long a call that only ends with the box may keep us from ending.
constexpr std::chrono::milliseconds watch_interval(500);

// One connection and its tunnel.
class Connection {
 public:
  Connection(Box box, const TunnelTarget& target, Descriptor socket, int stop_fd)
      : box_(std::move(box)), target_(target), socket_(std::move(socket)), stop_fd_(stop_fd) {
    thread_ = std::jthread([this] {
      carry();
      close();
      is_over_ = true;
    });
  }
  // Ends soon, once the stop descriptor says so too.
  void interrupt() {
    const std::lock_guard lock(mutex_);
    if (socket_.get() >= 0) ::shutdown(socket_.get(), SHUT_RDWR);
  }
  bool is_over() const { return is_over_; }

 private:
  void carry() {
    auto tunnel = box_.open_tunnel(target_);
    if (!tunnel) {
      complain(Ending(tunnel.error()));
      return reset_at_close();
    }
    std::jthread up([&] {
      const auto end = relay(socket_.get(), tunnel->fd(), stop_fd_);
      ::shutdown(tunnel->fd(), end == RelayEnd::source_ended ? SHUT_WR : SHUT_RDWR);
    });
    const auto end = relay(tunnel->fd(), socket_.get(), stop_fd_);
    if (end == RelayEnd::source_ended && tunnel->wait()) {
      ::shutdown(socket_.get(), SHUT_WR);
      return;
    }
    // What broke must not look like what was complete.
    reset_at_close();
    ::shutdown(tunnel->fd(), SHUT_RDWR);
    ::shutdown(socket_.get(), SHUT_RD);
  }
  void reset_at_close() const {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  void close() {
    const std::lock_guard lock(mutex_);
    socket_ = Descriptor();
  }

  Box box_;
  const TunnelTarget target_;
  std::mutex mutex_;  // over closing
  Descriptor socket_;
  const int stop_fd_;
  std::atomic<bool> is_over_ = false;
  std::jthread thread_;
};

// Until the box has stopped. What it is given goes with it, and the program at the other end knows.
void watch_box(const std::stop_token& stop, Box box, const Descriptor& /*told*/) {
  (void)box.wait_stopped({.stop = stop});
}

// All that is forwarded. Its end is that of every connection.
class Forwarding {
 public:
  Forwarding(Box box, const TunnelTarget& target, Pipe stop)
      : box_(std::move(box)), target_(target), stop_(std::move(stop)) {}
  Forwarding(const Forwarding&) = delete;
  Forwarding& operator=(const Forwarding&) = delete;
  ~Forwarding() {
    stop_.writer = Descriptor();
    for (auto& connection : connections_) connection.interrupt();
  }

  bool has_room() {
    std::erase_if(connections_, [](const Connection& connection) { return connection.is_over(); });
    return connections_.size() < most_connections;
  }
  void add(Descriptor socket) {
    connections_.emplace_back(box_, target_, std::move(socket), stop_.reader.get());
  }

 private:
  const Box box_;
  const TunnelTarget target_;
  Pipe stop_;
  std::list<Connection> connections_;
};

}  // namespace

Outcome forward(const Box& box, const TunnelTarget& target, const TunnelListener& listener) {
  const auto signals = EndSignals::start();
  if (!signals) return std::unexpected(signals.error());
  auto stop = make_pipe();
  if (!stop) return std::unexpected(stop.error());
  auto stopped = make_pipe();
  if (!stopped) return std::unexpected(stopped.error());
  const std::jthread watcher(watch_box, box, std::move(stopped->writer));
  Forwarding forwarding(box, target, std::move(*stop));
  while (true) {
    // One that is full looks again now and then.
    const bool has_room = forwarding.has_room();
    std::array<pollfd, 3> entries{
        pollfd{.fd = (*signals)->fd(), .events = POLLIN, .revents = 0},
        pollfd{.fd = stopped->reader.get(), .events = POLLIN, .revents = 0},
        pollfd{.fd = has_room ? listener.fd() : -1, .events = POLLIN, .revents = 0}};
    if (::poll(entries.data(), entries.size(), has_room ? -1 : static_cast<int>(watch_interval.count())) < 0)
      continue;
    if (entries[0].revents != 0) return exit_success;
    if (entries[1].revents != 0) {
      return std::unexpected(Ending(exit_failure,
                                    fmt::format("box {} has stopped: its tunnels have ended", box.id()),
                                    fmt::format("boxlite start {}", box.id())));
    }
    if (entries[2].revents == 0) continue;
    auto connection = listener.accept();
    if (!connection) return std::unexpected(connection.error());
    if (connection->get() >= 0) forwarding.add(std::move(*connection));
  }
}

}  // namespace boxlite::cli
