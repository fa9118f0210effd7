// SPDX-License-Identifier: Apache-2.0
#include "shim/net/network_questions.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/concat.h"

namespace boxlite::shim {
namespace {

// The names count: an answer for one name is none for others that share its address.
std::string key_of(const netpolicy::Flow& flow) {
  auto names = flow.names;
  std::ranges::sort(names);
  return concat(name(flow.protocol), ' ', flow.destination.str(), ' ', flow.port, ' ', join(names, " "));
}

wire::msg::NextNetworkQuestionResponse message_of(std::uint64_t number, const netpolicy::Flow& flow) {
  wire::msg::NextNetworkQuestionResponse message;
  message.set_number(number);
  message.set_protocol(std::string(name(flow.protocol)));
  message.set_address(flow.destination.str());
  message.set_port(flow.port);
  for (const auto& name : flow.names) message.add_names(name);
  return message;
}

void answer_all(std::vector<NetworkQuestions::Answer> answers, bool is_allowed) {
  for (auto& answer : answers) answer(is_allowed);
}

}  // namespace

// Forgets who has gone; what they were told and did not answer is for others.
bool NetworkQuestions::is_anybody_there() {
  std::erase_if(listeners_, [this](const Client& client) {
    if (clients_.are_there(client.id)) return false;
    for (auto& [number, question] : questions_) {
      if (question.client == client.id) question.client = 0;
    }
    return true;
  });
  return !listeners_.empty();
}

bool NetworkQuestions::may_client_come() {
  if (has_waited_) return false;
  if (!first_timer_) first_timer_ = loop_.after(first_wait_, [this] { end_first_wait(); });
  return true;
}

void NetworkQuestions::end_first_wait() {
  has_waited_ = true;
  first_timer_.reset();
  if (is_anybody_there()) return;
  for (auto& [number, question] : std::exchange(questions_, {}))
    answer_all(std::move(question.answers), false);
}

NetworkQuestions::Questions::iterator NetworkQuestions::question_of(const std::string& key) {
  return std::ranges::find_if(questions_, [&](const auto& entry) { return entry.second.key == key; });
}

void NetworkQuestions::ask(const netpolicy::Flow& flow, Answer answer) {
  auto key = key_of(flow);
  if (const auto known = remembered_.find(key); known != remembered_.end()) return answer(known->second);
  if (!is_anybody_there() && !may_client_come()) return answer(false);
  auto question = question_of(key);
  if (question == questions_.end()) {
    if (questions_.size() >= most_questions) return answer(false);
    question = questions_.emplace(++last_number_, Question{.flow = flow, .key = std::move(key)}).first;
  }
  const bool is_first = question->second.answers.empty();
  question->second.answers.push_back(std::move(answer));
  if (is_first) wait_for_answer(question);
  deliver();
}

void NetworkQuestions::wait_for_answer(Questions::iterator question) {
  question->second.timer = loop_.after(limit_, [this, number = question->first] {
    const auto late = questions_.find(number);
    auto answers = std::exchange(late->second.answers, {});
    // A listener that has been told may still say it, for the next flow.
    if (late->second.client == 0) questions_.erase(late);
    answer_all(std::move(answers), false);
  });
}

void NetworkQuestions::listen(const ShimCall& call) {
  const auto request = wire::parse<wire::msg::NextNetworkQuestionRequest>(call.payload);
  if (!request) return clients_.answer(call, std::unexpected(request.error()));
  note_answer(call.client, request->answered(), request->is_allowed());
  (void)is_anybody_there();
  const auto known = std::ranges::find(listeners_, call.client, &Client::id);
  if (known == listeners_.end()) {
    has_waited_ = true;
    first_timer_.reset();
    listeners_.push_back({call.client, call});
  } else {
    known->waiting = call;
  }
  deliver();
}

void NetworkQuestions::note_answer(std::uint64_t client, std::uint64_t number, bool is_allowed) {
  const auto question = questions_.find(number);
  if (question == questions_.end() || question->second.client != client) return;
  auto answered = questions_.extract(question);
  if (remembered_.size() >= most_remembered) remembered_.clear();
  remembered_[answered.mapped().key] = is_allowed;
  answer_all(std::move(answered.mapped().answers), is_allowed);
}

void NetworkQuestions::deliver() {
  for (auto& [number, question] : questions_) {
    if (question.client != 0) continue;
    const auto free =
        std::ranges::find_if(listeners_, [](const Client& one) { return one.waiting.has_value(); });
    if (free == listeners_.end()) return;
    question.client = free->id;
    const auto call = *std::move(free->waiting);
    free->waiting.reset();
    clients_.answer(call, message_of(number, question.flow));
  }
}

void NetworkQuestions::forget(const netpolicy::Policy& policy) {
  remembered_.clear();
  std::vector<Answer> allowed;
  std::vector<Answer> denied;
  for (auto question = questions_.begin(); question != questions_.end();) {
    const auto decision = policy.decide(question->second.flow).decision;
    if (decision == netpolicy::Decision::ask) {
      ++question;
      continue;
    }
    // What must be inspected is refused this once: the next attempt goes that way.
    auto& decided = decision == netpolicy::Decision::allow ? allowed : denied;
    std::ranges::move(question->second.answers, std::back_inserter(decided));
    question = questions_.erase(question);
  }
  answer_all(std::move(allowed), true);
  answer_all(std::move(denied), false);
}

}  // namespace boxlite::shim
