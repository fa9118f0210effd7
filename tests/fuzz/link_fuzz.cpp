// SPDX-License-Identifier: Apache-2.0
// links: net
// The cable to a machine whose QEMU was taken over. Input: records of one byte what (the low bit: frames of
// ours go the other way meanwhile; the rest says how often) and one byte length, with that many raw bytes of
// it.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <sys/socket.h>

#include "linux/sockets/unix_socket.h"
#include "net/link/link.h"
#include "turn.h"

using namespace boxlite;
using fuzz::turn;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(input), size);
  const auto loop = *linux_::EventLoop::create();
  auto cable = *linux_::unix_socket_pair();
  if (!linux_::set_non_blocking(cable.first.get())) std::abort();
  std::size_t frames = 0;
  const auto link = *net::Link::create(*loop, std::move(cable.first),
                                       {.on_frame =
                                            [&frames](net::FrameBytes frame) {
                                              if (frame.size() > 65'535) std::abort();
                                              ++frames;
                                            },
                                        .on_relief = [] {}});
  const std::array<std::uint8_t, 60> ours{};
  while (rest.size() >= 2) {
    const auto what = static_cast<std::uint8_t>(rest[0]);
    const auto bytes = rest.substr(2, static_cast<std::uint8_t>(rest[1]));
    rest.remove_prefix(2 + bytes.size());
    (void)!::send(cable.second.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    for (int i = 0; (what & 1) != 0 && i < what / 2; ++i) link->send(ours);
    turn(*loop);
  }
  // No frame is without its length.
  if (frames > size / 4) std::abort();
  return 0;
}
