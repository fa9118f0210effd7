// SPDX-License-Identifier: Apache-2.0
#include "net/link/capture.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/time.h"

namespace boxlite::net {
namespace {

constexpr int pipe_size = 1 << 20;

// Numbers are in the writer's order: the magic number tells.
struct FileHeader {
  std::uint32_t magic = 0xa1b23c4d;  // times in nanoseconds
  std::uint16_t major = 2;
  std::uint16_t minor = 4;
  std::uint32_t zone = 0;
  std::uint32_t accuracy = 0;
  std::uint32_t longest = max_frame;
  std::uint32_t link_type = 1;  // Ethernet
};
struct RecordHeader {
  std::uint32_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  std::uint32_t kept = 0;
  std::uint32_t length = 0;
};

template <typename Header>
void append(std::string& out, const Header& header) {
  out.append(reinterpret_cast<const char*>(&header), sizeof header);
}

}  // namespace

Result<Capture> Capture::open(const std::filesystem::path& fifo) {
  auto file = BOXLITE_TRY(open_file(fifo, O_WRONLY | O_NONBLOCK | O_NOFOLLOW));
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0 || !S_ISFIFO(status.st_mode))
    return fail(ErrorCode::invalid_argument,
                concat("capture packets: ", in_quotes(fifo.native()), " is no fifo"));
  ::fcntl(file.get(), F_SETPIPE_SZ, pipe_size);
  Capture capture(std::move(file));
  append(capture.waiting_, FileHeader());
  if (!capture.flush()) return fail(ErrorCode::unavailable, "capture packets: the fifo has no reader");
  return capture;
}

bool Capture::write(ConstBytes frame) {
  if (waiting_.size() < most_waiting) {
    const auto time = now().time_since_epoch().count();
    const auto size = static_cast<std::uint32_t>(frame.size());
    append(waiting_, RecordHeader{.seconds = static_cast<std::uint32_t>(time / 1'000'000'000),
                                  .nanoseconds = static_cast<std::uint32_t>(time % 1'000'000'000),
                                  .kept = size,
                                  .length = size});
    waiting_.append(reinterpret_cast<const char*>(frame.data()), frame.size());
  }
  return flush();
}

bool Capture::flush() {
  std::size_t written = 0;
  while (written < waiting_.size()) {
    const auto count = ::write(fifo_.get(), waiting_.data() + written, waiting_.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0) return false;
    written += static_cast<std::size_t>(count);
  }
  waiting_.erase(0, written);
  return true;
}

}  // namespace boxlite::net
