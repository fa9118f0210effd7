// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/fake/script.h"
#include "wire/frame.h"
#include "wire/messages.h"

namespace boxlite::engine::fake {

// An agent as far as a shim needs one: requests in, answers out. It runs no programs, but knows what some do:
// `exit N` ends so, `say TEXT` has output, `stay` runs until it is signalled, all others end at once. One
// thread.
class Agent {
 public:
  explicit Agent(const Script& script) : script_(script) {}
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  void handle(const wire::Frame& frame);
  // What it has to say, and what becomes of its machine once that is said.
  wire::FrameWriter& out() { return out_; }
  bool has_hung_up() const { return has_hung_up_; }
  const std::optional<MachineEnd>& end() const { return end_; }

 private:
  struct Command {
    std::string id;
    std::uint32_t stream;
    bool is_main;
  };

  void commit(const Fault& fault, std::uint32_t stream);
  void answer(const wire::msg::Request& request, std::uint32_t stream);
  void start(const wire::msg::ExecRequest& request, std::uint32_t stream);
  void attach(const wire::msg::AttachRequest& request, std::uint32_t stream);
  void signal(const wire::msg::SignalRequest& request, std::uint32_t stream);
  void shut_down(std::uint32_t stream);
  void end_command(const Command& command, const wire::msg::ExecResult& result);

  const Script& script_;
  wire::FrameWriter out_;
  std::map<std::string, Command> running_;
  std::map<std::string, wire::msg::ExecResult> ended_;
  bool is_silent_ = false;
  bool has_hung_up_ = false;
  std::optional<MachineEnd> end_;
};

}  // namespace boxlite::engine::fake
