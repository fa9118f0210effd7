// SPDX-License-Identifier: Apache-2.0
#include "shim/net/network_questions.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/concat.h"

namespace boxlite::shim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

netpolicy::Flow flow_to(std::uint32_t last, std::vector<std::string> names = {}) {
  return {.destination = netpolicy::IpAddress::v4(0xc0000200 + last), .port = 443, .names = std::move(names)};
}

class NetworkQuestionsTest : public testing::Test {
 protected:
  void ask(const netpolicy::Flow& flow) {
    questions_.ask(flow, [this](bool is_allowed) { answers_.push_back(is_allowed); });
  }

  // Client 1 asks for its next question, with an answer to the last one.
  void listen(std::uint64_t answered = 0, bool is_allowed = false, std::uint64_t client = 1) {
    connected_.insert(client);
    wire::msg::NextNetworkQuestionRequest request;
    request.set_answered(answered);
    request.set_is_allowed(is_allowed);
    questions_.listen({.client = client, .stream = 1, .payload = request.SerializeAsString()});
  }

  void pass_limit() {
    for (const auto deadline = Deadline::after(5s); answers_.empty() && !deadline.has_passed();)
      (void)loop_->run_once(deadline);
  }

  std::unique_ptr<linux_::EventLoop> loop_ = linux_::EventLoop::create().value();
  std::set<std::uint64_t> connected_;
  std::vector<std::uint64_t> told_;  // numbers of questions
  std::vector<bool> answers_;
  NetworkQuestions questions_{
      *loop_,
      {.are_there = [this](std::uint64_t client) { return connected_.contains(client); },
       .answer =
           [this](const ShimCall&, const Result<wire::msg::NextNetworkQuestionResponse>& response) {
             told_.push_back(response ? response->number() : 0);
           }},
      50ms,
      10ms};
};

TEST_F(NetworkQuestionsTest, SayNoWhenNobodyIsThere) {
  ask(flow_to(1));
  ask(flow_to(2));
  EXPECT_THAT(answers_, IsEmpty()) << "a client may come";
  pass_limit();
  EXPECT_THAT(answers_, ElementsAre(false, false));
  answers_.clear();
  ask(flow_to(1));
  EXPECT_THAT(answers_, ElementsAre(false));
  listen();
  connected_.clear();
  ask(flow_to(1));
  EXPECT_THAT(answers_, ElementsAre(false, false));
  EXPECT_EQ(questions_.open_questions(), 0u);
}

TEST_F(NetworkQuestionsTest, WaitForAFirstClient) {
  ask(flow_to(1));
  EXPECT_THAT(told_, IsEmpty());
  listen();
  EXPECT_THAT(told_, ElementsAre(1));
  listen(1, true);
  EXPECT_THAT(answers_, ElementsAre(true));
  connected_.clear();
  ask(flow_to(2));
  EXPECT_THAT(answers_, ElementsAre(true, false)) << "it has been there";
}

TEST_F(NetworkQuestionsTest, AreAskedOnceForADestination) {
  listen();
  ask(flow_to(1));
  ask(flow_to(1));
  EXPECT_THAT(told_, ElementsAre(1));
  EXPECT_THAT(answers_, IsEmpty());
  listen(1, true);
  EXPECT_THAT(answers_, ElementsAre(true, true));
  ask(flow_to(1));
  EXPECT_THAT(answers_, ElementsAre(true, true, true));
  ask(flow_to(1, {"other.com"}));
  EXPECT_THAT(told_, ElementsAre(1, 2));
}

TEST_F(NetworkQuestionsTest, WaitForAClientThatIsAnswering) {
  listen();
  ask(flow_to(1));
  ask(flow_to(2));
  EXPECT_THAT(told_, ElementsAre(1));
  listen(1, false);
  EXPECT_THAT(told_, ElementsAre(1, 2));
  EXPECT_THAT(answers_, ElementsAre(false));
}

TEST_F(NetworkQuestionsTest, SayNoInTimeAndTakeALateAnswerForTheNextFlow) {
  listen();
  ask(flow_to(1));
  pass_limit();
  EXPECT_THAT(answers_, ElementsAre(false));
  ask(flow_to(1));
  EXPECT_THAT(told_, ElementsAre(1));
  listen(1, true);
  EXPECT_THAT(answers_, ElementsAre(false, true));
}

TEST_F(NetworkQuestionsTest, GoToAnotherClientWhenOneHasGone) {
  listen(0, false, 1);
  ask(flow_to(1));
  connected_.erase(1);
  listen(0, false, 2);
  EXPECT_THAT(told_, ElementsAre(1, 1));
  listen(1, true, 2);
  EXPECT_THAT(answers_, ElementsAre(true));
}

TEST_F(NetworkQuestionsTest, TakeNoAnswerFromWhoWasNotAsked) {
  listen(0, false, 1);
  ask(flow_to(1));
  listen(1, true, 2);
  listen(77, true, 1);
  EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(NetworkQuestionsTest, AreBounded) {
  listen();
  for (std::uint32_t i = 0; i < NetworkQuestions::most_questions + 3; ++i) ask(flow_to(i));
  EXPECT_THAT(answers_, ElementsAre(false, false, false));
  EXPECT_EQ(questions_.open_questions(), NetworkQuestions::most_questions);
}

TEST_F(NetworkQuestionsTest, AreDecidedByANewPolicy) {
  listen();
  ask(flow_to(1));
  listen(1, false);
  ask(flow_to(2));
  ask(flow_to(3));
  ask(flow_to(4));
  answers_.clear();
  questions_.forget(
      *netpolicy::Policy::create({.allow = {"192.0.2.2"}, .deny = {"192.0.2.3"}, .is_asking = true}).value());
  EXPECT_THAT(answers_, ElementsAre(true, false));
  EXPECT_EQ(questions_.open_questions(), 1u);
  answers_.clear();
  ask(flow_to(1));  // not remembered any more
  EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(NetworkQuestionsTest, RefuseWhatIsNoRequest) {
  questions_.listen({.client = 1, .stream = 1, .payload = "\xff\xff"});
  EXPECT_THAT(told_, ElementsAre(0));
}

}  // namespace
}  // namespace boxlite::shim
