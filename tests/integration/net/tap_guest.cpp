// SPDX-License-Identifier: Apache-2.0
#include "tap_guest.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "linux/sockets/unix_socket.h"

namespace boxlite::test {
namespace {

constexpr const char* set_up_line =
    "ip link set lo up && ip link set eth0 address 5a:94:ef:e4:0c:ee mtu 65520 &&"
    "echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad; echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_ra;"
    "ip link set eth0 up && ip addr add 192.168.127.2/24 dev eth0 && ip route add default via 192.168.127.1 "
    "&&"
    "ip -6 addr add fd5a:94ef:e40c::2/64 dev eth0 nodad && ip -6 route add default via fd5a:94ef:e40c::1";

Result<UniqueFd> open_tap() {
  auto tap = BOXLITE_TRY(open_file("/dev/net/tun", O_RDWR | O_NONBLOCK));
  ifreq request{};
  std::strcpy(request.ifr_name, "eth0");
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (::ioctl(tap.get(), TUNSETIFF, &request) != 0) return fail(syscall_error("ioctl", "TUNSETIFF", errno));
  return tap;
}

}  // namespace

Result<std::unique_ptr<TapGuest>> TapGuest::create(linux_::EventLoop& loop) {
  std::unique_ptr<TapGuest> guest(new TapGuest(loop));
  BOXLITE_TRY(guest->set_up());
  return guest;
}

Result<void> TapGuest::set_up() {
  Result<void> outcome;
  // A namespace is its thread's.
  std::thread([&] {
    outcome = [&]() -> Result<void> {
      if (::unshare(CLONE_NEWNET) != 0) return fail(syscall_error("unshare", "network", errno));
      namespace_ = BOXLITE_TRY(open_file("/proc/thread-self/ns/net", O_RDONLY));
      tap_ = BOXLITE_TRY(open_tap());
      if (std::system(set_up_line) != 0) return fail(ErrorCode::internal, "set up the guest's addresses");
      return {};
    }();
  }).join();
  BOXLITE_TRY(std::move(outcome));
  auto pair = BOXLITE_TRY(linux_::unix_socket_pair());
  cable_ = std::move(pair.first);
  link_ = std::move(pair.second);
  BOXLITE_TRY(linux_::set_non_blocking(cable_.get()));
  BOXLITE_TRY(linux_::set_non_blocking(link_.get()));
  tap_watch_ = BOXLITE_TRY(loop_.watch(tap_.get(), true, false, [this](auto) { pump_tap(); }));
  cable_watch_ = BOXLITE_TRY(loop_.watch(cable_.get(), true, false, [this](auto) { pump_cable(); }));
  return {};
}

void TapGuest::pump_tap() {
  char frame[4 + 70'000];
  const auto count = ::read(tap_.get(), frame + 4, sizeof frame - 4);
  if (count <= 0) return;
  for (int i = 0; i < 4; ++i) frame[i] = static_cast<char>(count >> (24 - 8 * i));
  (void)::fcntl(cable_.get(), F_SETFL, 0);
  (void)!::write(cable_.get(), frame, static_cast<std::size_t>(count) + 4);
  (void)::fcntl(cable_.get(), F_SETFL, O_NONBLOCK);
}

void TapGuest::pump_cable() {
  char buffer[256 << 10];
  const auto count = ::read(cable_.get(), buffer, sizeof buffer);
  if (count <= 0) return cable_watch_.reset();
  received_.append(buffer, static_cast<std::size_t>(count));
  while (received_.size() >= 4) {
    std::size_t size = 0;
    for (int i = 0; i < 4; ++i)
      size = size << 8 | static_cast<unsigned char>(received_[static_cast<std::size_t>(i)]);
    if (received_.size() < size + 4) return;
    (void)!::write(tap_.get(), received_.data() + 4, size);
    received_.erase(0, size + 4);
  }
}

std::string TapGuest::run(const std::string& line) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return "pipe2";
  UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setns(namespace_.get(), CLONE_NEWNET);
    ::dup2(in.get(), 1);
    ::dup2(in.get(), 2);
    ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
    ::_exit(127);
  }
  in.reset();
  std::string text;
  bool is_over = false;
  (void)linux_::set_non_blocking(out.get());
  auto watch = loop_.watch(out.get(), true, false, [&](auto) {
    char buffer[4096];
    const auto count = ::read(out.get(), buffer, sizeof buffer);
    if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
    is_over = count == 0;
  });
  const auto deadline = Deadline::after(std::chrono::seconds(30));
  while (watch && !is_over && !deadline.has_passed()) (void)loop_.run_once(deadline);
  if (!is_over) ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  return text;
}

}  // namespace boxlite::test
