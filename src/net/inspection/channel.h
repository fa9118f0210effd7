// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace boxlite::net {

// One end of a connection, with bounded buffers: the peer of who does not read is stopped by its own flow
// control. One thread, the loop's.
class Channel {
 public:
  static constexpr std::size_t input_limit = 64u << 10;
  static constexpr std::size_t output_limit = 64u << 10;

  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  virtual ~Channel() = default;

  // Called from the loop when any of the answers below may have changed; never from inside of a function
  // here. It must not destroy the channel.
  void on_change(std::move_only_function<void()> callback) { on_change_ = std::move(callback); }

  // What has come and was not consumed yet; valid until then.
  virtual std::string_view input() const = 0;
  virtual void consume(std::size_t count) = 0;
  // The peer has said that nothing comes after input().
  virtual bool has_ended() const = 0;
  // What the peer sent had no proper end (TLS without close_notify): it may lack some.
  virtual bool is_cut_off() const { return false; }

  // How much more should be written now: 0 when the peer does not keep up.
  virtual std::size_t room() const = 0;
  // Takes all of it, also beyond room(). Look at failure() afterwards.
  virtual void write(std::string_view bytes) = 0;
  // Nothing more will be written. The peer learns of it when it has got the rest.
  virtual void finish() = 0;
  // finish() was called and all has been handed to the kernel.
  virtual bool is_finished() const = 0;

  // The connection is lost, for good.
  virtual const std::optional<Error>& failure() const = 0;
  // Ends it at once: the peer sees a reset.
  virtual void reset() = 0;

 protected:
  void notify() {
    if (on_change_) on_change_();
  }

 private:
  std::move_only_function<void()> on_change_;
};

}  // namespace boxlite::net
