// SPDX-License-Identifier: Apache-2.0
#include "shim/session/connected_machine.h"

#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>

#include "base/files.h"
#include "linux/sockets/unix_socket.h"
#include "shimlink/shim_record.h"

namespace boxlite::shim {

Result<ConnectedMachine> launch_connected(engine::Engine& engine, const engine::MachineSpec& spec,
                                          const std::optional<engine::Snapshot>& from,
                                          const std::filesystem::path& box_dir, int lock_fd) {
  auto port = BOXLITE_TRY(linux_::unix_socket_pair());
  auto console = BOXLITE_TRY(linux_::unix_socket_pair());
  BOXLITE_TRY(linux_::set_non_blocking(console.first.get()));
  auto link = BOXLITE_TRY(linux_::unix_socket_pair());
  BOXLITE_TRY(linux_::set_non_blocking(link.first.get()));
  auto folders = BOXLITE_TRY(linux_::unix_socket_pair());
  engine::MachineEnds ends{.agent_port = std::move(port.second),
                           .console = std::move(console.second),
                           .folders = std::move(folders.second),
                           .link = std::move(link.second)};
  ends.error_log =
      BOXLITE_TRY(open_file(box_dir / shimlink::vmm_stderr_name, O_RDWR | O_CREAT | O_TRUNC | O_APPEND));
  ends.lock_fd = lock_fd;
  auto machine = BOXLITE_TRY(engine.launch(spec, from, std::move(ends)));
  return ConnectedMachine{.port = std::move(port.first),
                          .console = std::move(console.first),
                          .link = std::move(link.first),
                          .folders = std::move(folders.first),
                          .machine = std::move(machine)};
}

bool drain_console(int console_fd, ConsoleLog& log) {
  std::array<char, 16 << 10> buffer;
  while (true) {
    const auto count = ::recv(console_fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return true;
    if (count <= 0) return false;
    log.append({buffer.data(), static_cast<std::size_t>(count)});
  }
}

}  // namespace boxlite::shim
