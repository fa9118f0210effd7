// SPDX-License-Identifier: Apache-2.0
// The reading end of a capture: a fifo that the box's shim writes to.
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "local/box/local_box.h"

namespace boxlite::local {
namespace {

constexpr std::chrono::seconds call_limit{10};
// How long a sink that wants no more may go unasked.
constexpr int pause_ms = 200;
constexpr std::size_t buffer_size = 256u << 10;

// An empty piece now and then asks the sink whether it still wants any.
Result<void> pass_on(int fifo, const std::function<bool(std::string_view)>& sink, const Deadline& deadline) {
  std::string buffer(buffer_size, '\0');
  while (true) {
    pollfd entry{fifo, POLLIN, 0};
    const auto pause = std::chrono::milliseconds(pause_ms);
    if (::poll(&entry, 1, deadline.within(pause).poll_timeout_ms()) < 0 && errno != EINTR)
      return fail(syscall_error("poll", "fifo", errno));
    const auto count = ::read(fifo, buffer.data(), buffer.size());
    if (count == 0) return {};
    if (count < 0 && errno != EAGAIN && errno != EINTR) return fail(syscall_error("read", "fifo", errno));
    const auto size = count > 0 ? static_cast<std::size_t>(count) : 0;
    if (!sink(std::string_view(buffer).substr(0, size))) return {};
    if (deadline.has_passed()) return fail(deadline.error("capture packets"));
  }
}

}  // namespace

Result<void> LocalBox::capture(const std::function<bool(std::string_view bytes)>& sink,
                               const CallOptions& call) {
  const auto deadline = box::deadline_of(call);
  const auto connection = BOXLITE_TRY(connect_ready("capture the packets of", deadline));
  UniqueFd fifo;
  {
    // Once both ends are open, its name is not needed any more.
    const auto place = BOXLITE_TRY(TempDir::create(lifecycle_.paths().directory, "capture-"));
    const auto path = place.path() / "fifo";
    if (::mkfifo(path.c_str(), 0600) != 0) return fail(syscall_error("mkfifo", path.native(), errno));
    fifo = BOXLITE_TRY(open_file(path, O_RDONLY | O_NONBLOCK));
    wire::msg::CaptureRequest request;
    request.set_fifo(path.native());
    BOXLITE_TRY(connection->call<wire::ShimCapture>(request, Deadline::after(call_limit)));
  }
  return pass_on(fifo.get(), sink, deadline);
}

}  // namespace boxlite::local
