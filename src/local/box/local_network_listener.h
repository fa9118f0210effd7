// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <boxlite/network.hpp>

#include "agentlink/connection.h"
#include "base/result.h"
#include "linux/event_loop.h"
#include "wire/messages.h"

namespace boxlite::local {

// Answers what the shim of a box asks for, from a thread of its own. Finds the shim again after each start of
// the box. The loop is served by another thread and outlives it.
class LocalNetworkListener {
 public:
  LocalNetworkListener(linux_::EventLoop& loop, std::filesystem::path socket, NetworkCallback callback);
  // Waits for a callback under way.
  ~LocalNetworkListener();
  LocalNetworkListener(const LocalNetworkListener&) = delete;
  LocalNetworkListener& operator=(const LocalNetworkListener&) = delete;

  // Waits until a shim knows of us; false when none runs.
  bool wait_until_heard();

 private:
  using Question = wire::msg::NextNetworkQuestionResponse;

  // What the loop's thread leaves for ours; it may come when we have gone.
  struct Mailbox {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<Result<Question>> question;
    bool is_stopping = false;
    bool was_tried = false;
    bool is_heard = false;
  };

  void run();
  // Until the connection is lost, or we are stopping.
  void serve(agentlink::Connection& connection);
  std::optional<Result<Question>> next_question(agentlink::Connection& connection,
                                                const wire::msg::NextNetworkQuestionRequest& request);
  bool allows(const Question& question) const noexcept;
  // False: stopping.
  bool pause();
  void note_try(bool is_heard);

  linux_::EventLoop& loop_;
  const std::filesystem::path socket_;
  const NetworkCallback callback_;
  const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  std::thread thread_;
};

}  // namespace boxlite::local
