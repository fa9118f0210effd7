// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include <linux/fuse.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::fileserver {

// The stream that carries FUSE messages between the guest and this server, one after the other: what the
// guest's kernel would read from and write to /dev/fuse. Receiving: one thread. The rest: any.
class Channel {
 public:
  // `socket`: a connected stream socket, blocking.
  explicit Channel(UniqueFd socket) : socket_(std::move(socket)) {}

  int fd() const { return socket_.get(); }
  // Reads what has come. False: the other end is gone. An error: what comes are no messages.
  Result<bool> fill();
  // The next whole message that has come, valid until the next fill().
  std::optional<std::string_view> next();
  // Gives back the memory that a large message took, when none is under way.
  void shrink();

  void answer(std::uint64_t unique, int os_error);
  void answer(std::uint64_t unique, std::initializer_list<std::string_view> pieces);
  // Something that the guest did not ask for: fuse_notify_code.
  void notify(int code, std::initializer_list<std::string_view> pieces);

 private:
  void send(fuse_out_header header, std::initializer_list<std::string_view> pieces);

  UniqueFd socket_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::mutex sending_;
};

template <typename T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

}  // namespace boxlite::fileserver
