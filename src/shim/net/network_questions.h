// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "linux/event_loop.h"
#include "netpolicy/flow.h"
#include "netpolicy/policy.h"
#include "shim/mux/mux.h"
#include "wire/messages.h"

namespace boxlite::shim {

// Destinations that a client must be asked for, and the clients that answer. One question for all flows to
// one destination, once: what was answered holds until forget(). Without a client the answer is no, but for
// the first question: clients look for a shim that starts some times a second, so it waits a moment for one.
// When no client answers in time it is no as well, but that is not kept. Bounded. One thread: the loop's.
class NetworkQuestions {
 public:
  using Answer = std::move_only_function<void(bool is_allowed)>;
  static constexpr std::chrono::milliseconds default_limit = std::chrono::seconds(30);
  static constexpr std::chrono::milliseconds default_first_wait = std::chrono::seconds(1);
  static constexpr std::size_t most_questions = 64;
  static constexpr std::size_t most_remembered = 4096;

  // What it needs of a Mux.
  struct Clients {
    std::function<bool(std::uint64_t client)> are_there;
    std::function<void(const ShimCall&, Result<wire::msg::NextNetworkQuestionResponse>)> answer;
  };

  // The loop outlives it.
  NetworkQuestions(linux_::EventLoop& loop, Clients clients, std::chrono::milliseconds limit = default_limit,
                   std::chrono::milliseconds first_wait = default_first_wait)
      : loop_(loop), clients_(std::move(clients)), limit_(limit), first_wait_(first_wait) {}
  NetworkQuestions(const NetworkQuestions&) = delete;
  NetworkQuestions& operator=(const NetworkQuestions&) = delete;

  // `answer` is called once, perhaps at once; not after this has gone.
  void ask(const netpolicy::Flow& flow, Answer answer);
  // A call of ShimNextNetworkQuestion.
  void listen(const ShimCall& call);
  // Another policy is in force: what it decides is not asked for any more, and the rest anew.
  void forget(const netpolicy::Policy& policy);

  std::size_t open_questions() const { return questions_.size(); }

 private:
  struct Question {
    netpolicy::Flow flow = {};
    std::string key = {};
    std::vector<Answer> answers = {};  // none: too late for all that waited, but the client may still say it
    std::uint64_t client = 0;          // that was told; 0: none yet
    linux_::EventLoop::Timer timer = {};
  };
  struct Client {
    std::uint64_t id = 0;
    std::optional<ShimCall> waiting;  // nullopt: it is about to answer
  };
  using Questions = std::map<std::uint64_t, Question>;  // by number: the oldest first

  bool is_anybody_there();
  // For the first question only; starts the wait.
  bool may_client_come();
  void end_first_wait();
  Questions::iterator question_of(const std::string& key);
  void wait_for_answer(Questions::iterator question);
  void note_answer(std::uint64_t client, std::uint64_t number, bool is_allowed);
  void deliver();

  linux_::EventLoop& loop_;
  Clients clients_;
  std::chrono::milliseconds limit_;
  std::chrono::milliseconds first_wait_;
  bool has_waited_ = false;  // for a first client, or one came
  std::optional<linux_::EventLoop::Timer> first_timer_;
  std::uint64_t last_number_ = 0;
  Questions questions_;
  std::vector<Client> listeners_;
  std::unordered_map<std::string, bool> remembered_;
};

}  // namespace boxlite::shim
