// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "fileserver/channel.h"
#include "fileserver/request.h"
#include "fileserver/session.h"
#include "linux/event_loop.h"

namespace boxlite::fileserver {

// Serves the folders of one box to the kernel of its guest, which speaks FUSE (linux/fuse.h, 7.38) over a
// stream. Loop thread only.
class Server {
 public:
  // `socket`: a blocking stream socket. `ended` is called when the guest's end is closed, or sends what are
  // no messages.
  static Result<std::unique_ptr<Server>> create(linux_::EventLoop& loop, UniqueFd socket, Setup setup,
                                                std::function<void(Result<void>)> ended);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // One message of the guest, answered where it is to be. Public for what has no socket.
  void handle(std::string_view message);

  // Answers nothing more; what was asked for is answered by then, or in the state.
  ServerState suspend();
  // Goes on where another process was suspended, before anything else. corrupted: the state contradicts
  // itself.
  Result<void> take_up(const ServerState& state);

 private:
  Server(linux_::EventLoop& loop, UniqueFd socket, Setup setup, std::function<void(Result<void>)> ended);
  void on_ready();
  void dispatch(Request& request);
  bool is_repeat(const Request& request);
  void give_memory_back();

  linux_::EventLoop& loop_;
  Channel channel_;
  Session session_;
  std::function<void(Result<void>)> ended_;
  linux_::EventLoop::Watch ready_;
  linux_::EventLoop::Timer quiet_;
};

}  // namespace boxlite::fileserver
