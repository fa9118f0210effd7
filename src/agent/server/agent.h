// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/container/container.h"
#include "agent/exec/executions.h"
#include "agent/files/files_service.h"
#include "agent/machine/disk_watch.h"
#include "agent/machine/folders.h"
#include "agent/server/channel.h"
#include "agent/tunnels/tunnels.h"
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
  Result<void> on_folders_request(std::uint32_t stream, const wire::msg::Request& request);
  Result<void> on_files_request(std::uint32_t stream, const wire::msg::Request& request);
  Result<void> on_tunnels_request(std::uint32_t stream, const wire::msg::Request& request);
  bool has_stream(std::uint32_t stream) const;

  Result<wire::msg::HelloResponse> hello() const;
  Result<void> configure(const wire::msg::ConfigureRequest& request);
  Result<wire::msg::StartContainerResponse> start_container(const wire::msg::StartContainerRequest& request);
  Result<void> prepare_container(const wire::msg::ContainerSpec& spec, ContainerDefaults defaults,
                                 wire::msg::StartContainerResponse& times);
  Result<void> fit_container(const wire::msg::ContainerSpec& spec, ContainerDefaults defaults);
  // A prepared container is nobody's yet.
  bool is_started() const { return executions_ && !prepared_; }

  // The end comes in phases; each ends when its work is done or its time is over.
  enum class Phase {
    running,
    asking,   // the stop signal was sent
    killing,  // KILL was sent; the commands' ends are reported to their clients
    telling,  // clients take what is left
  };
  void begin_shutdown(std::uint32_t stream, const wire::msg::ShutdownRequest& request);
  void on_main_end();
  Result<void> refuse_command() const;
  void enter(Phase phase, std::chrono::milliseconds limit);
  bool is_phase_done() const;
  void advance();
  // The disk, the answers, the power.
  void finish_shutdown();

  linux_::EventLoop& loop_;
  std::uint64_t start_ns_;
  std::unique_ptr<Channel> channel_;
  std::string hostname_;
  std::unique_ptr<DiskWatch> disk_watch_;  // with channel_
  bool is_configured_ = false;
  // Set from the moment that a container is prepared until it is started.
  std::optional<wire::msg::ContainerSpec> prepared_;
  bool container_was_started_ = false;
  bool is_disposable_ = false;
  Folders folders_;
  HostSockets host_sockets_{loop_};
  bool main_has_ended_ = false;
  std::unique_ptr<Container> container_;
  std::unique_ptr<Executions> executions_;
  std::unique_ptr<FilesService> files_;  // with executions_, as are the tunnels
  std::unique_ptr<Tunnels> tunnels_;

  Phase phase_ = Phase::running;
  linux_::EventLoop::Clock::time_point phase_end_;
  std::vector<std::uint32_t> shutdown_streams_;
  linux_::EventLoop::Timer shutdown_timer_;
};

}  // namespace boxlite::agent
