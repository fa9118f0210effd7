// SPDX-License-Identifier: Apache-2.0
#include "local/box/local_network_listener.h"

#include <chrono>
#include <utility>

#include "base/caught_exception.h"
#include "base/thread.h"

namespace boxlite::local {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds connect_limit = 5s;
// A box that starts takes longer before anything runs in it.
constexpr std::chrono::milliseconds look_pause = 50ms;

}  // namespace

LocalNetworkListener::LocalNetworkListener(linux_::EventLoop& loop, std::filesystem::path socket,
                                           NetworkCallback callback)
    : loop_(loop),
      socket_(std::move(socket)),
      callback_(std::move(callback)),
      thread_(start_thread([this] { run(); })) {}

LocalNetworkListener::~LocalNetworkListener() {
  {
    const std::lock_guard lock(mailbox_->mutex);
    mailbox_->is_stopping = true;
  }
  mailbox_->changed.notify_all();
  thread_.join();
}

bool LocalNetworkListener::wait_until_heard() {
  std::unique_lock lock(mailbox_->mutex);
  mailbox_->changed.wait(lock, [this] { return mailbox_->was_tried; });
  return mailbox_->is_heard;
}

void LocalNetworkListener::note_try(bool is_heard) {
  {
    const std::lock_guard lock(mailbox_->mutex);
    mailbox_->was_tried = true;
    mailbox_->is_heard = is_heard;
  }
  mailbox_->changed.notify_all();
}

bool LocalNetworkListener::pause() {
  std::unique_lock lock(mailbox_->mutex);
  return !mailbox_->changed.wait_for(lock, look_pause, [this] { return mailbox_->is_stopping; });
}

void LocalNetworkListener::run() {
  do {
    try {
      const auto connection = agentlink::Connection::connect(loop_, socket_, Deadline::after(connect_limit));
      if (connection) serve(**connection);
    } catch (...) {
      // Of memory that ran out; to be tried again like a connection that broke.
      (void)caught_exception("listen for network requests");
    }
    note_try(false);
  } while (pause());
}

void LocalNetworkListener::serve(agentlink::Connection& connection) {
  wire::msg::NextNetworkQuestionRequest request;
  while (true) {
    const auto question = next_question(connection, request);
    if (!question || !*question) return;
    request.set_answered((*question)->number());
    request.set_is_allowed(allows(**question));
  }
}

// nullopt: stopping.
std::optional<Result<LocalNetworkListener::Question>> LocalNetworkListener::next_question(
    agentlink::Connection& connection, const wire::msg::NextNetworkQuestionRequest& request) {
  mailbox_->question.reset();
  connection.call<wire::ShimNextNetworkQuestion>(request, Deadline::never(),
                                                 [mailbox = mailbox_](Result<Question> question) {
                                                   {
                                                     const std::lock_guard lock(mailbox->mutex);
                                                     mailbox->question = std::move(question);
                                                   }
                                                   mailbox->changed.notify_all();
                                                 });
  note_try(true);
  std::unique_lock lock(mailbox_->mutex);
  mailbox_->changed.wait(lock, [this] { return mailbox_->question || mailbox_->is_stopping; });
  if (mailbox_->is_stopping) return std::nullopt;
  return std::exchange(mailbox_->question, std::nullopt);
}

bool LocalNetworkListener::allows(const Question& question) const noexcept {
  try {
    return callback_({.protocol = question.protocol(),
                      .address = question.address(),
                      .port = static_cast<std::uint16_t>(question.port()),
                      .names = {question.names().begin(), question.names().end()}});
  } catch (...) {
    return false;
  }
}

}  // namespace boxlite::local
