// SPDX-License-Identifier: Apache-2.0
#include "cutting_proxy.h"

#include <poll.h>
#include <unistd.h>

#include "base/files.h"

namespace boxlite::test {

CuttingProxy::CuttingProxy(int upstream_port, int cuts, std::uint64_t cut_after)
    : upstream_port_(upstream_port),
      cuts_(cuts),
      cut_after_(cut_after),
      server_([this](int client_fd, int stop_fd) { serve(client_fd, stop_fd); }) {}

void CuttingProxy::serve(int client_fd, int stop_fd) {
  const auto upstream = connect_to_loopback(upstream_port_);
  std::uint64_t passed = 0;
  char buffer[16384];
  while (true) {
    pollfd fds[3] = {{client_fd, POLLIN, 0}, {upstream.get(), POLLIN, 0}, {stop_fd, POLLIN, 0}};
    if (::poll(fds, 3, 120'000) <= 0 || fds[2].revents != 0) return;
    const bool from_client = fds[0].revents != 0;
    const auto count = ::read(from_client ? client_fd : upstream.get(), buffer, sizeof buffer);
    if (count <= 0) return;
    const std::string_view bytes(buffer, static_cast<std::size_t>(count));
    if (from_client) {
      const std::lock_guard guard(mutex_);
      requests_ += bytes;
    } else {
      passed += bytes.size();
      if (passed > cut_after_ && cuts_ > 0 && cuts_-- > 0) return;
    }
    if (!write_all(from_client ? upstream.get() : client_fd, bytes, "proxy")) return;
  }
}

int CuttingProxy::count_in_requests(const std::string& text) const {
  const std::lock_guard guard(mutex_);
  int count = 0;
  for (auto at = requests_.find(text); at != std::string::npos; at = requests_.find(text, at + 1)) ++count;
  return count;
}

}  // namespace boxlite::test
