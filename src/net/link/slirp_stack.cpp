// SPDX-License-Identifier: Apache-2.0
#include "net/link/slirp_stack.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <slirp/libslirp.h>
#include <sys/un.h>

#include "base/concat.h"
#include "wire/network_plan.h"

namespace boxlite::net {
namespace {

using Clock = linux_::EventLoop::Clock;

in_addr to_in_addr(const wire::V4Address& address) {
  in_addr result{};
  std::memcpy(&result, address.data(), address.size());
  return result;
}

in6_addr to_in6_addr(const wire::V6Address& address) {
  in6_addr result{};
  std::memcpy(&result, address.data(), address.size());
  return result;
}

// What slirp would do by itself is ours to do: names, addresses, announcing routers.
SlirpConfig stack_config() {
  SlirpConfig config{};
  config.version = 4;
  config.in_enabled = true;
  config.vnetwork = to_in_addr({wire::host_v4[0], wire::host_v4[1], wire::host_v4[2], 0});
  config.vnetmask = to_in_addr({255, 255, 255, 0});
  config.vhost = to_in_addr(wire::host_v4);
  config.vnameserver = to_in_addr(wire::gateway_v4);
  config.vdhcp_start = to_in_addr(wire::guest_v4);
  config.in6_enabled = true;
  config.vprefix_addr6 = to_in6_addr(wire::v6_of(0, 0));
  config.vprefix_len = wire::v6_prefix;
  config.vhost6 = to_in6_addr(wire::host_v6);
  config.vnameserver6 = to_in6_addr(wire::gateway_v6);
  config.if_mtu = wire::link_mtu;
  config.if_mru = wire::link_mtu;
  config.disable_dns = true;
  config.disable_dhcp = true;
  return config;
}

Result<sockaddr_un> unix_address(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path)
    return fail(ErrorCode::invalid_argument,
                concat("socket path ", in_quotes(path.native()), " is too long"));
  std::ranges::copy(path.native(), address.sun_path);
  return address;
}

// Frames one behind the other, in one piece of memory.
class FrameQueue {
 public:
  // As on any cable: what is too much is dropped.
  void push(ConstBytes frame) {
    if (bytes_.size() + frame.size() > most_bytes) return;
    bytes_.insert(bytes_.end(), frame.begin(), frame.end());
    sizes_.push_back(frame.size());
  }

  bool is_empty() const { return sizes_.empty(); }

  // None is pushed meanwhile.
  void hand_over(std::move_only_function<void(FrameBytes)>& taker) {
    auto rest = FrameBytes(bytes_);
    for (const auto size : sizes_) {
      taker(rest.first(size));
      rest = rest.subspan(size);
    }
    sizes_.clear();
    bytes_.clear();
    if (bytes_.capacity() > kept_bytes) bytes_.shrink_to_fit();
  }

 private:
  static constexpr std::size_t most_bytes = 8u << 20;
  static constexpr std::size_t kept_bytes = 256u << 10;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::size_t> sizes_;
};

}  // namespace

// Slirp is made for poll(2): before each wait it says what it waits for, and after it looks at everything. So
// all events of one batch of the loop make one round.
class SlirpStack::Impl {
 public:
  Impl(linux_::EventLoop& loop, Listener listener) : loop_(loop), listener_(std::move(listener)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (slirp_ != nullptr) slirp_cleanup(slirp_);
  }

  Result<void> start() {
    const auto config = stack_config();
    slirp_ = slirp_new(&config, &callbacks, this);
    if (slirp_ == nullptr) return fail(ErrorCode::internal, "libslirp refuses our configuration");
    return {};
  }

  // The only way into slirp.
  void enter(const std::function<void(Slirp*)>& work) {
    // Would be a bug of ours, and memory is at stake.
    if (std::exchange(is_inside_, true)) std::abort();
    work(slirp_);
    is_inside_ = false;
    give_frames();
  }

  void input(ConstBytes frame) {
    enter([&](Slirp* slirp) {
      tell_time(slirp);
      slirp_input(slirp, frame.data(), static_cast<int>(frame.size()));
    });
    request_round();
  }

  std::size_t sockets() const { return sockets_.size(); }

  void request_round() {
    if (std::exchange(is_round_due_, true)) return;
    round_ = loop_.at(Clock::now(), [this] { run_round(); });
  }

 private:
  struct Socket {
    linux_::EventLoop::Watch watch = {};
    int wanted = 0;
    int happened = 0;
    std::uint64_t round = 0;
  };

  // Slirp takes the time when it polls, which it does not while nothing happens. A new socket would then be
  // as old as the last poll, and past its time before it is heard.
  void tell_time(Slirp* slirp) {
    if (Clock::now() < told_at_ + oldest_time) return;
    told_at_ = Clock::now();
    const int looks_at_no_socket = 1;
    slirp_pollfds_poll(slirp, looks_at_no_socket, &Impl::events_of, this);
  }

  void give_frames() {
    // The outer call goes on with what came meanwhile.
    if (std::exchange(is_giving_, true)) return;
    while (!made_.is_empty()) {
      std::swap(made_, given_);
      given_.hand_over(listener_.on_frame);
    }
    is_giving_ = false;
  }

  void run_round() {
    is_round_due_ = false;
    if (listener_.may_go_on())
      enter([this](Slirp* slirp) { slirp_pollfds_poll(slirp, 0, &Impl::events_of, this); });
    for (auto& [fd, socket] : sockets_) socket.happened = 0;
    wait_for_events();
  }

  // Without a say of may_go_on(), for nothing.
  void wait_for_events() {
    ++number_;
    polled_.clear();
    std::uint32_t timeout = idle_timeout;
    if (listener_.may_go_on())
      enter([&](Slirp* slirp) { slirp_pollfds_fill(slirp, &timeout, &Impl::add_socket, this); });
    for (auto& [fd, socket] : sockets_) {
      if (socket.round != number_) want(fd, socket, 0);
    }
    timeout_ = {};
    if (timeout >= idle_timeout) return;
    timeout_ = loop_.after(std::chrono::milliseconds(timeout), [this] { request_round(); });
  }

  void want(int fd, Socket& socket, int events) {
    if (socket.wanted == events) return;
    const bool read = (events & SLIRP_POLL_IN) != 0;
    const bool write = (events & SLIRP_POLL_OUT) != 0;
    socket.wanted = events;
    if (socket.watch.is_active()) {
      (void)socket.watch.want(read, write);
      return;
    }
    auto watch = loop_.watch(fd, read, write, [this, fd](linux_::Readiness ready) {
      auto& mine = sockets_[fd];
      mine.happened = (ready.readable ? int{SLIRP_POLL_IN} : 0) | (ready.writable ? int{SLIRP_POLL_OUT} : 0);
      request_round();
    });
    if (watch) socket.watch = std::move(*watch);
  }

  static Impl& self(void* opaque) { return *static_cast<Impl*>(opaque); }

  static int add_socket(int fd, int events, void* opaque) {
    auto& me = self(opaque);
    auto& socket = me.sockets_[fd];
    socket.round = me.number_;
    me.want(fd, socket, events & (SLIRP_POLL_IN | SLIRP_POLL_OUT));
    me.polled_.push_back(fd);
    return static_cast<int>(me.polled_.size() - 1);
  }

  static int events_of(int index, void* opaque) {
    auto& me = self(opaque);
    if (index < 0 || static_cast<std::size_t>(index) >= me.polled_.size()) return 0;
    const auto found = me.sockets_.find(me.polled_[static_cast<std::size_t>(index)]);
    return found == me.sockets_.end() ? 0 : found->second.happened;
  }

  static ssize_t send_packet(const void* bytes, std::size_t size, void* opaque) {
    self(opaque).made_.push({static_cast<const std::uint8_t*>(bytes), size});
    return static_cast<ssize_t>(size);
  }

  static std::int64_t clock_ns(void*) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
  }

  // Its only timer announces a router, which no guest of ours listens to.
  static void* new_timer(SlirpTimerId, void*, void* opaque) { return opaque; }

  // Slirp asks for less than this whenever it has something to do by itself. A box that is idle costs
  // nothing.
  static constexpr std::uint32_t idle_timeout = 1000;
  static constexpr std::chrono::seconds oldest_time{1};
  static void know_socket(int fd, void* opaque) {
    if (fd >= 0) self(opaque).sockets_.try_emplace(fd);
  }
  // Before it is closed: another one may have its number next.
  static void forget_socket(int fd, void* opaque) { self(opaque).sockets_.erase(fd); }
  static void notify(void* opaque) { self(opaque).request_round(); }

  static const SlirpCb callbacks;

  linux_::EventLoop& loop_;
  Listener listener_;
  Slirp* slirp_ = nullptr;
  Clock::time_point told_at_ = {};
  bool is_inside_ = false;
  bool is_giving_ = false;
  FrameQueue made_;
  FrameQueue given_;
  std::unordered_map<int, Socket> sockets_;
  std::vector<int> polled_;
  std::uint64_t number_ = 0;
  bool is_round_due_ = false;
  linux_::EventLoop::Timer round_;
  linux_::EventLoop::Timer timeout_;
};

const SlirpCb SlirpStack::Impl::callbacks{
    .send_packet = &send_packet,
    .guest_error = [](const char*, void*) {},
    .clock_get_ns = &clock_ns,
    .timer_new = nullptr,
    .timer_free = [](void*, void*) {},
    .timer_mod = [](void*, std::int64_t, void*) {},
    .register_poll_fd = &know_socket,
    .unregister_poll_fd = &forget_socket,
    .notify = &notify,
    .init_completed = [](Slirp*, void*) {},
    .timer_new_opaque = &new_timer,
};

SlirpStack::SlirpStack(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SlirpStack::~SlirpStack() = default;

Result<std::unique_ptr<SlirpStack>> SlirpStack::create(linux_::EventLoop& loop, Listener listener) {
  auto impl = std::make_unique<Impl>(loop, std::move(listener));
  BOXLITE_TRY(impl->start());
  return std::unique_ptr<SlirpStack>(new SlirpStack(std::move(impl)));
}

void SlirpStack::input(ConstBytes frame) {
  impl_->input(frame);
}

void SlirpStack::resume() {
  impl_->request_round();
}

std::size_t SlirpStack::sockets() const {
  return impl_->sockets();
}

Result<void> SlirpStack::lead_to(const std::filesystem::path& socket, const Endpoint& address) {
  in_addr target{};
  std::memcpy(&target, address.address.bytes().data(), sizeof target);
  int failure = 0;
  impl_->enter([&](Slirp* slirp) { failure = slirp_add_unix(slirp, socket.c_str(), &target, address.port); });
  if (failure == 0) return {};
  return fail(ErrorCode::internal, concat("libslirp does not lead to ", in_quotes(socket.native())));
}

Result<void> SlirpStack::lead_into(const std::filesystem::path& socket, std::uint16_t guest_port) {
  const auto host = BOXLITE_TRY(unix_address(socket));
  sockaddr_in guest{};
  guest.sin_family = AF_INET;
  guest.sin_port = htons(guest_port);
  guest.sin_addr = to_in_addr(wire::guest_v4);
  int os_error = 0;
  impl_->enter([&](Slirp* slirp) {
    const int added = slirp_add_hostxfwd(slirp, reinterpret_cast<const sockaddr*>(&host), sizeof host,
                                         reinterpret_cast<const sockaddr*>(&guest), sizeof guest, 0);
    if (added != 0) os_error = errno == 0 ? EINVAL : errno;
  });
  if (os_error != 0) return fail(syscall_error("listen", socket.native(), os_error));
  impl_->request_round();
  return {};
}

}  // namespace boxlite::net
