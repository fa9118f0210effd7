// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "shim/mux/mux.h"

namespace boxlite::shim {

// The main command of one machine as the shim sees it: its output, from the first byte on, and its end. One
// thread.
class MainCommand {
 public:
  struct Listener {
    virtual ~Listener() = default;
    // It runs.
    virtual void on_main_running() = 0;
    // `lost`: bytes of this stream that were gone before they came here.
    virtual void on_main_output(bool is_stderr, std::string_view bytes, std::uint64_t lost) = 0;
    // It has ended, or could not be started (then there is an error in it); all output came before. An Error:
    // there will be no command, or it was lost with the machine (stopped).
    virtual void on_main_result(Result<wire::msg::ExecResult> result) = 0;
  };

  // Both outlive it, and the mux makes no more calls once it has lost its guest.
  MainCommand(Mux& mux, Listener& listener) : mux_(mux), listener_(listener) {}
  MainCommand(const MainCommand&) = delete;
  MainCommand& operator=(const MainCommand&) = delete;

  // `request`: an ExecRequest.
  void start(std::string_view request);
  // Of a command that a client has started.
  void follow(std::string_view exec_id);

 private:
  void take(std::string_view payload);
  void take_output(bool is_stderr, std::string_view bytes, std::uint64_t offset);

  Mux& mux_;
  Listener& listener_;
  std::uint64_t next_[2] = {0, 0};  // offset of the next byte of each stream
};

}  // namespace boxlite::shim
