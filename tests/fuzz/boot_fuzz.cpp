// SPDX-License-Identifier: Apache-2.0
// links: shim
// A guest that answers what the shim asks of it: its boot, its main command, its health. Input: records of
// one byte what (0 a response, 1 data, 2 a reset, 3 the loop's turn), one byte for which stream, one byte
// length, and that many bytes of payload.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include <sys/socket.h>

#include "linux/sockets/unix_socket.h"
#include "shim/health/health.h"
#include "shim/mux/mux.h"
#include "shim/session/boot.h"
#include "shim/session/main_command.h"
#include "turn.h"
#include "wire/frame.h"

namespace {

using namespace boxlite;
using fuzz::turn;

struct SilentListener : shim::Mux::Listener, shim::MainCommand::Listener {
  void on_shim_call(shim::ShimCall) override {}
  void on_main_start(std::string_view) override {}
  void on_main_end(const wire::msg::ExecResult&) override {}
  void on_guest_lost(const Error&) override {}
  void on_main_running() override {}
  void on_main_output(bool, std::string_view, std::uint64_t) override {}
  void on_main_result(Result<wire::msg::ExecResult>) override {}
};

std::string main_request() {
  wire::msg::ExecRequest request;
  request.set_id("main");
  request.set_is_main(true);
  request.add_args("x");
  return request.SerializeAsString();
}

void say(const UniqueFd& guest, std::uint8_t what, std::uint8_t stream, std::string_view payload) {
  constexpr std::array types{wire::FrameType::response, wire::FrameType::data, wire::FrameType::reset};
  wire::FrameWriter writer;
  writer.append({.length = static_cast<std::uint32_t>(payload.size()),
                 .stream = stream,
                 .type = types[what],
                 .flags = 0},
                payload);
  const auto bytes = writer.pending();
  (void)!::send(guest.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  std::array<char, 4096> ignored;
  while (::recv(guest.get(), ignored.data(), ignored.size(), MSG_DONTWAIT) > 0) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(input), size);
  shimlink::ShimConfig config;
  config.start_container_request = wire::msg::StartContainerRequest().SerializeAsString();
  config.health.probe = shimlink::HealthProbe::ping;
  config.health.interval = std::chrono::milliseconds(1);
  SilentListener listener;
  const auto loop = *linux_::EventLoop::create();
  auto port = *linux_::unix_socket_pair();
  const UniqueFd guest = std::move(port.second);
  {
    const auto mux = *shim::Mux::create(*loop, std::move(port.first), listener);
    shim::Boot boot(*mux, config, nullptr);
    shim::MainCommand main(*mux, listener);
    shim::Health health(*loop, *mux, config.health, [] {});
    boot.begin("boot", [&](Result<void>) {});
    main.start(main_request());
    health.begin();
    turn(*loop);
    while (rest.size() >= 3) {
      const auto what = static_cast<std::uint8_t>(static_cast<std::uint8_t>(rest[0]) % 4);
      const auto stream = static_cast<std::uint8_t>(rest[1]);
      const auto payload = rest.substr(3, static_cast<std::uint8_t>(rest[2]));
      rest.remove_prefix(3 + payload.size());
      if (what < 3) say(guest, what, stream, payload);
      turn(*loop);
    }
    mux->refuse(Error(ErrorCode::stopped, "end"));
    turn(*loop);
  }
  return 0;
}
