// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string_view>

#include <linux/fuse.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "fuse/messages.h"

namespace boxlite::fileserver {

// The stream that carries FUSE messages between the guest and this server, one after the other: what the
// guest's kernel would read from and write to /dev/fuse. Receiving: one thread. The rest: any.
class Channel {
 public:
  // `socket`: a connected stream socket, blocking.
  explicit Channel(UniqueFd socket) : socket_(std::move(socket)) {}

  int fd() const { return socket_.get(); }
  // As MessageReader's.
  Result<bool> fill() { return requests_.fill(socket_.get()); }
  std::optional<std::string_view> next() { return requests_.next(); }
  void shrink() { requests_.shrink(); }
  std::string_view unread() const { return requests_.unread(); }
  void begin_with(std::string_view unread) { requests_.begin_with(unread); }

  void answer(std::uint64_t unique, int os_error);
  void answer(std::uint64_t unique, std::initializer_list<std::string_view> pieces);
  // Something that the guest did not ask for: fuse_notify_code.
  void notify(int code, std::initializer_list<std::string_view> pieces);
  // Whether the guest has let something wait since it was asked last: much may have happened meanwhile.
  bool has_waited() { return has_waited_.exchange(false); }

 private:
  void send(fuse_out_header header, std::initializer_list<std::string_view> pieces);

  UniqueFd socket_;
  fuse::MessageReader requests_{sizeof(fuse_in_header)};
  std::mutex sending_;
  std::atomic<bool> has_waited_ = false;
};

using fuse::bytes_of;

}  // namespace boxlite::fileserver
