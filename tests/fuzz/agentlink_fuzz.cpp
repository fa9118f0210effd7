// SPDX-License-Identifier: Apache-2.0
// links: agentlink
// A hostile guest at the other end of the library's connection. Input: records of one byte who (0: the
// guest's bytes as they are; 1: a response to the call or stream that the next byte names, with the rest as
// its payload; 2: data for it; 3: room for it; 4: its reset), one byte length, and that many bytes.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>

#include "agentlink/connection.h"
#include "linux/sockets/unix_socket.h"
#include "turn.h"
#include "wire/frame.h"

namespace {

using namespace boxlite;
using fuzz::turn;

// Calls of each kind, and streams, which wait for what the guest says.
class Waiting {
 public:
  explicit Waiting(agentlink::Connection& link) {
    call<wire::GuestHello>(link);
    call<wire::GuestStats>(link);
    call<wire::GuestProcesses>(link);
    call<wire::GuestStartContainer>(link);
    call<wire::ShimWaitReady>(link);
    call<wire::ShimWaitEnd>(link);
    for (int i = 0; i < 3; ++i) {
      wire::msg::ExecRequest request;
      request.set_id("x");
      if (auto stream = link.open<wire::ExecStart>(request)) streams_.push_back(*std::move(stream));
    }
  }
  // As far as it goes without waiting.
  void take() {
    for (auto& stream : streams_) {
      while (true) {
        const auto output = stream.try_read();
        if (!output || !*output) break;
      }
      (void)stream.try_result();
      (void)stream.try_write_payload("input");
    }
  }

 private:
  template <wire::Method M>
  static void call(agentlink::Connection& link) {
    link.call<M>({}, Deadline::never(), [](Result<typename M::Response>) {});
  }
  std::vector<agentlink::Stream<wire::ExecStart>> streams_;
};

std::string frame_of(std::uint8_t who, std::string_view bytes) {
  if (who == 0 || bytes.empty()) return std::string(bytes);
  const auto stream = static_cast<std::uint8_t>(bytes[0]);
  const auto payload = bytes.substr(1);
  wire::FrameWriter writer;
  constexpr wire::FrameType types[] = {wire::FrameType::response, wire::FrameType::data,
                                       wire::FrameType::window, wire::FrameType::reset};
  writer.append({.length = static_cast<std::uint32_t>(payload.size()),
                 .stream = stream,
                 .type = types[(who - 1) % 4],
                 .flags = 0},
                payload);
  return std::string(writer.pending());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(input), size);
  const auto loop = *linux_::EventLoop::create();
  auto ends = *linux_::unix_socket_pair();
  {
    const auto connection = *agentlink::Connection::adopt(*loop, std::move(ends.first));
    Waiting waiting(*connection);
    turn(*loop);
    while (rest.size() >= 2) {
      const auto who = static_cast<std::uint8_t>(static_cast<std::uint8_t>(rest[0]) % 5);
      const auto bytes = rest.substr(2, static_cast<std::uint8_t>(rest[1]));
      rest.remove_prefix(2 + bytes.size());
      const auto frame = frame_of(who, bytes);
      (void)!::send(ends.second.get(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      turn(*loop);
      waiting.take();
    }
  }
  turn(*loop);
  return 0;
}
