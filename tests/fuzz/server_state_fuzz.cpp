// SPDX-License-Identifier: Apache-2.0
// links: fileserver
// What a file server is to go on with: bad bytes are refused, and a state that says what cannot be harms
// nobody.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include <fcntl.h>

#include "base/files.h"
#include "fileserver/server.h"
#include "fileserver/state/server_state.h"
#include "linux/event_loop.h"
#include "linux/sockets/unix_socket.h"

using namespace boxlite;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto state = fileserver::decode_server_state(bytes);
  if (!state) return 0;
  if (fileserver::encode(*state) != bytes) __builtin_trap();
  static const auto directory =
      *TempDir::create(std::filesystem::temp_directory_path(), "boxlite-server-state-");
  static const auto loop = *linux_::EventLoop::create();
  (void)make_directories(directory.path() / "root" / "0", 0755);
  auto ends = *linux_::unix_socket_pair();
  fileserver::Setup setup;
  setup.root = *open_file(directory.path() / "root", O_PATH | O_DIRECTORY);
  setup.open_files = 64;
  const auto server =
      *fileserver::Server::create(*loop, std::move(ends.first), std::move(setup), [](auto) {});
  // Requests that wait are fileserver_fuzz's; what is told here goes nowhere.
  ends.second.reset();
  state->waiting.clear();
  if (server->take_up(*state)) (void)server->suspend();
  return 0;
}
