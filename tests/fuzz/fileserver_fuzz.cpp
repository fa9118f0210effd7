// SPDX-License-Identifier: Apache-2.0
// links: fileserver
// A hostile guest asks for files: whatever it says, the server stays within its directory, and lives. An
// input is a list of requests: opcode, node, length of the rest, the rest.
#include <array>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/files.h"
#include "fileserver/server.h"
#include "linux/event_loop.h"
#include "linux/sockets/unix_socket.h"

namespace {

using namespace boxlite;

constexpr std::string_view guard = "outside";

class Place {
 public:
  Place() : directory_(*TempDir::create(std::filesystem::temp_directory_path(), "boxlite-fileserver-")) {
    // Nothing that a guest can ask for fills the disk.
    const rlimit small{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &small);
    std::signal(SIGXFSZ, SIG_IGN);
    std::signal(SIGPIPE, SIG_IGN);
    (void)write_file_atomic(directory_.path() / "guard", guard);
  }
  std::filesystem::path root() const { return directory_.path() / "root"; }
  void renew() const {
    (void)remove_tree(root());
    (void)make_directories(root() / "0" / "d", 0755);
    (void)write_file_atomic(root() / "0" / "f", "content");
    std::error_code ignored;
    std::filesystem::create_symlink("../../guard", root() / "0" / "s", ignored);
  }
  bool is_safe() const { return read_file(directory_.path() / "guard").value_or("") == guard; }

 private:
  TempDir directory_;
};

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  std::optional<std::string> next_message() {
    if (size_ < 4) return std::nullopt;
    fuse_in_header header = {};
    header.opcode = data_[0];
    header.unique = ++count_;
    header.nodeid = data_[1];
    const auto wanted = static_cast<std::size_t>(data_[2] | data_[3] << 8);
    data_ += 4;
    size_ -= 4;
    const auto length = wanted < size_ ? wanted : size_;
    header.len = static_cast<std::uint32_t>(sizeof header + length);
    std::string message(reinterpret_cast<const char*>(&header), sizeof header);
    message.append(reinterpret_cast<const char*>(data_), length);
    data_ += length;
    size_ -= length;
    return message;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::uint64_t count_ = 0;
};

void drain(int fd) {
  std::array<char, 64 << 10> buffer;
  while (::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT) > 0) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Place place;
  static const auto loop = *linux_::EventLoop::create();
  place.renew();
  auto ends = *linux_::unix_socket_pair();
  fileserver::Setup setup;
  setup.root = *open_file(place.root(), O_PATH | O_DIRECTORY);
  setup.open_files = 64;
  const auto server =
      *fileserver::Server::create(*loop, std::move(ends.first), std::move(setup), [](auto) {});
  Input input(data, size);
  // Answers that nobody reads would stop the server.
  for (int i = 0; i < 64; ++i) {
    const auto message = input.next_message();
    if (!message) break;
    server->handle(*message);
    drain(ends.second.get());
  }
  (void)loop->run_once(Deadline::after(std::chrono::milliseconds(0)));
  drain(ends.second.get());
  if (!place.is_safe()) __builtin_trap();
  return 0;
}
