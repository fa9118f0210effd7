// SPDX-License-Identifier: Apache-2.0
// links: shim
// A conversation through the shim's multiplexer. Input: records of one byte who (0 the guest, 1-3 a client, 4
// open the gate, 5-7 a client hangs up), two bytes length, and that many raw bytes. Whatever they say, the
// memory that the multiplexer holds for it stays within what the credit allows.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

#include <fcntl.h>
#include <sys/socket.h>

#include "base/files.h"
#include "linux/sockets/unix_socket.h"
#include "shim/mux/mux.h"
#include "turn.h"

namespace {

using namespace boxlite;
using fuzz::turn;

struct SilentListener : shim::Mux::Listener {
  void on_shim_call(shim::ShimCall) override {}
  void on_main_start(std::string_view) override {}
  void on_main_end(const wire::msg::ExecResult&) override {}
  void on_guest_lost(const Error&) override {}
};

// Made once: a listening socket costs more than the rest of a run.
struct Rendezvous {
  Rendezvous()
      : dir(*TempDir::create("/tmp", "mux-fuzz-")), listener(*linux_::listen_unix(dir.path() / "s")) {}
  TempDir dir;
  UniqueFd listener;
};

void send_all(linux_::EventLoop& loop, const UniqueFd& socket, std::string_view bytes) {
  while (socket.is_open() && !bytes.empty()) {
    const auto count = ::send(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
    turn(loop);
    if (count <= 0) return;
  }
}

void drain(const UniqueFd& socket) {
  std::array<char, 65536> buffer;
  while (socket.is_open() && ::recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT) > 0) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const Rendezvous rendezvous;
  std::string_view rest(reinterpret_cast<const char*>(input), size);
  SilentListener listener;
  const auto loop = *linux_::EventLoop::create();
  auto port = *linux_::unix_socket_pair();
  const UniqueFd guest = std::move(port.second);
  const auto mux = *shim::Mux::create(*loop, std::move(port.first), listener);
  if (!mux->accept_from(UniqueFd(::fcntl(rendezvous.listener.get(), F_DUPFD_CLOEXEC, 0)))) std::abort();
  std::array<UniqueFd, 3> clients;
  for (auto& client : clients) client = *linux_::connect_unix(rendezvous.dir.path() / "s", Deadline::never());
  turn(*loop);
  while (rest.size() >= 3) {
    const auto who = static_cast<std::uint8_t>(rest[0]) % 8u;
    const auto length = static_cast<std::size_t>(static_cast<std::uint8_t>(rest[1]) |
                                                 static_cast<std::uint8_t>(rest[2]) << 8);
    const auto bytes = rest.substr(3, length);
    rest.remove_prefix(3 + bytes.size());
    if (who == 4) mux->open_gate();
    if (who >= 5) clients[who - 5].reset();
    if (who == 0) send_all(*loop, guest, bytes);
    if (who >= 1 && who <= 3) send_all(*loop, clients[who - 1], bytes);
    turn(*loop);
    drain(guest);
    // The first client never reads.
    drain(clients[1]);
    drain(clients[2]);
  }
  mux->refuse(Error(ErrorCode::stopped, "end"));
  turn(*loop);
  return 0;
}
