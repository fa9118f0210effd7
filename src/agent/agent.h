// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/channel.h"
#include "agent/container.h"
#include "agent/executions.h"
#include "base/result.h"
#include "linux/event_loop.h"
#include "wire/messages.h"

namespace boxlite::agent {

// The server of the guest protocol: takes calls from the channel, in the order of a machine's life
// (Configure, StartContainer, commands, Shutdown), and ends the machine. Loop thread only.
class Agent final : public Channel::Listener {
 public:
  Agent(linux_::EventLoop& loop, std::uint64_t start_ns) : loop_(loop), start_ns_(start_ns) {}
  Result<void> open_channel(UniqueFd port);

  void on_frame(const wire::Frame& frame) override;
  void on_drained() override;
  void on_disconnect() override;

 private:
  Result<void> on_request(std::uint32_t stream, const wire::msg::Request& request);
  Result<void> on_guest_request(std::uint32_t stream, const wire::msg::Request& request);
  Result<void> on_exec_request(std::uint32_t stream, const wire::msg::Request& request);

  Result<wire::msg::HelloResponse> hello() const;
  Result<void> configure(const wire::msg::ConfigureRequest& request);
  Result<wire::msg::StartContainerResponse> start_container(const wire::msg::StartContainerRequest& request);

  // TERM, then KILL after the grace period, then the disk, then `stream` (0: nobody) is answered and the
  // power goes.
  void begin_shutdown(std::uint32_t stream, std::chrono::milliseconds grace);
  void check_shutdown();
  void finish_shutdown();
  void on_main_end();

  linux_::EventLoop& loop_;
  std::uint64_t start_ns_;
  std::unique_ptr<Channel> channel_;
  std::string hostname_;
  bool is_configured_ = false;
  bool container_was_started_ = false;
  std::unique_ptr<Container> container_;
  std::unique_ptr<Executions> executions_;

  bool is_shutting_down_ = false;
  std::vector<std::uint32_t> shutdown_streams_;
  linux_::EventLoop::Clock::time_point kill_at_;
  linux_::EventLoop::Timer shutdown_timer_;
};

}  // namespace boxlite::agent
