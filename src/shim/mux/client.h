// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"
#include "wire/frame.h"

namespace boxlite::shim {

// A connection to agent.sock: its socket, what is half read and half written, and its open streams.
class Client {
 public:
  using OnReady = linux_::EventLoop::ReadyCallback;
  static Result<std::unique_ptr<Client>> create(linux_::EventLoop& loop, std::uint64_t id, UniqueFd socket,
                                                OnReady on_ready);

  std::uint64_t id() const { return id_; }
  wire::FrameReader& in() { return in_; }
  wire::FrameWriter& out() { return out_; }
  const wire::FrameWriter& out() const { return out_; }

  // Reads what is there into in(), at most one buffer. False: nothing was there.
  Result<bool> receive();
  // Writes what the socket takes, and watches for room when some is left.
  Result<void> flush();
  // Whether new frames are wanted at all.
  Result<void> set_reading(bool reads);
  bool is_reading() const { return reads_; }

  // Its stream ids → those on the guest port.
  std::unordered_map<std::uint32_t, std::uint32_t> streams;
  // Its calls that the shim has yet to answer.
  std::unordered_set<std::uint32_t> shim_calls;

 private:
  Client(std::uint64_t id, UniqueFd socket) : id_(id), socket_(std::move(socket)) {}
  Result<void> update_watch(bool reads, bool writes);

  std::uint64_t id_;
  UniqueFd socket_;
  wire::FrameReader in_;
  wire::FrameWriter out_;
  bool reads_ = true;
  bool writes_ = false;
  linux_::EventLoop::Watch watch_;
};

}  // namespace boxlite::shim
