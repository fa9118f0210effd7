// SPDX-License-Identifier: Apache-2.0
// A role of the shim with a fake engine, in this process: what its parent has left open, its config, and the
// thread that it runs on.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include "base/files.h"
#include "engine/fake/fake_engine.h"
#include "linux/sockets/unix_socket.h"
#include "shim/session/inherited.h"
#include "shimlink/shim_config.h"
#include "shimlink/shim_record.h"
#include "wire/messages.h"

namespace boxlite::shim {

// Nothing here takes so long, however busy the host is.
inline Deadline eventually() {
  return Deadline::after(std::chrono::seconds(30));
}

inline std::string command(std::string_view program, std::string_view argument = {}) {
  wire::msg::ExecRequest request;
  request.set_id("main");
  request.set_is_main(true);
  request.add_args(std::string(program));
  if (!argument.empty()) request.add_args(std::string(argument));
  return request.SerializeAsString();
}

class RoleTest : public testing::Test {
 protected:
  RoleTest() {
    config_.box_id = "role";
    config_.home = dir_.path() / "home";
    config_.box_dir = dir_.path();
    config_.network.is_enabled = false;
    config_.boot_timeout = std::chrono::seconds(30);
    config_.configure_request = wire::msg::ConfigureRequest().SerializeAsString();
    wire::msg::StartContainerRequest start;
    start.mutable_container()->set_root_device("/dev/vda");
    config_.start_container_request = start.SerializeAsString();
    EXPECT_TRUE(make_directories(config_.home));
  }
  ~RoleTest() override {
    watchdog_.reset();
    if (thread_.joinable()) thread_.join();
  }

  Inherited inherit() {
    auto watchdog = *linux_::unix_socket_pair();
    watchdog_ = std::move(watchdog.first);
    // What a signalfd says is only that there was one.
    signals_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return {.watchdog = std::move(watchdog.second),
            .listener = *linux_::listen_unix(socket()),
            .signals = UniqueFd(::dup(signals_.get()))};
  }
  void run(std::function<void()> role) { thread_ = std::thread(std::move(role)); }
  void join() { thread_.join(); }

  std::filesystem::path socket() const { return dir_.path() / shimlink::agent_socket_name; }

  TempDir dir_ = *TempDir::create("/tmp", "role-");
  shimlink::ShimConfig config_;
  UniqueFd watchdog_;
  UniqueFd signals_;

 private:
  std::thread thread_;
};

}  // namespace boxlite::shim
