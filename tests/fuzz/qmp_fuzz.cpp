// SPDX-License-Identifier: Apache-2.0
// links: engine
// What a QEMU that was taken over says on its control channel. Input: the bytes that it sends before it is
// gone; whatever they are, each question ends with an answer or an error.
#include <cstdint>
#include <string_view>

#include <sys/socket.h>

#include "engine/qemu/qmp.h"
#include "linux/sockets/unix_socket.h"

namespace {

using namespace boxlite;

// A channel on which all has been said.
engine::qemu::Qmp after(std::string_view said, bool is_greeted) {
  auto ends = *linux_::unix_socket_pair();
  (void)!::send(ends.second.get(), said.data(), said.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  // What we ask still finds somebody who listens.
  ::shutdown(ends.second.get(), SHUT_WR);
  static UniqueFd listening[2];
  listening[is_greeted ? 1 : 0] = std::move(ends.second);
  return engine::qemu::Qmp(std::move(ends.first), is_greeted);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  const std::string_view said(reinterpret_cast<const char*>(input), size);
  const auto deadline = Deadline::after(std::chrono::seconds(5));
  auto asked = after(said, true);
  (void)asked.post("cont", {});
  while (asked.query_status(deadline)) {
  }
  auto saving = after(said, false);
  (void)saving.execute("migrate", R"({"uri":"fd:state"})", deadline);
  (void)saving.await_migration(deadline);
  return 0;
}
