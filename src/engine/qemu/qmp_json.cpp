// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <span>

#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/socket.h>

#include "base/concat.h"
#include "engine/qemu/qmp.h"
#include "linux/sockets/fd_passing.h"

namespace boxlite::engine::qemu {
namespace {

using nlohmann::json;

// No answer that we ask for is near this.
constexpr std::size_t longest_line = 1u << 20;
constexpr int deepest_message = 32;

Error gone() {
  return Error(ErrorCode::stopped, "QEMU has ended");
}

// QEMU may have been taken over by its guest: whatever it sends is taken apart without exceptions.
std::string text_member(const json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// As JSON; of bytes that are no UTF-8, what stands for them.
std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Null when it is not JSON, or is nested so deeply that looking at it would take the stack.
json parse(std::string_view line) {
  const json::parser_callback_t is_shallow = [](int depth, json::parse_event_t, json&) {
    return depth < deepest_message;
  };
  auto message = json::parse(line, is_shallow, false);
  return message.is_discarded() ? json() : message;
}

// The new status that an event of a migration tells, empty for any other message.
std::string migration_status(const json& message) {
  if (text_member(message, "event") != "MIGRATION" || !message.contains("data")) return {};
  return text_member(message["data"], "status");
}

// What an answer says: its value, an error, or nothing when the message is an event.
Result<std::optional<std::string>> parse_answer(const json& message) {
  if (message.contains("return")) return text_of(message["return"]);
  if (message.contains("error"))
    return fail(ErrorCode::unavailable, concat("QMP: ", text_of(message["error"])));
  return std::optional<std::string>();
}

}  // namespace

Result<std::string> Qmp::execute(std::string_view command, std::string_view arguments, Deadline deadline) {
  BOXLITE_TRY_CONTEXT(concat("ask QEMU to ", command), greet(deadline));
  return BOXLITE_TRY_CONTEXT(concat("ask QEMU to ", command), ask(command, arguments, deadline));
}

Result<std::string> Qmp::query_status(Deadline deadline) {
  auto status = text_member(parse(BOXLITE_TRY(execute("query-status", {}, deadline))), "status");
  if (status.empty()) return fail(ErrorCode::corrupted, "QMP: query-status has no status");
  return status;
}

Result<void> Qmp::greet(Deadline deadline) {
  if (is_greeted_) return {};
  BOXLITE_TRY(read_line(deadline));
  BOXLITE_TRY(ask("qmp_capabilities", {}, deadline));
  is_greeted_ = true;
  return {};
}

// QEMU takes commands before its greeting has been read; that is then passed over like an event.
Result<void> Qmp::post(std::string_view command, std::string_view arguments) {
  if (!is_greeted_) {
    BOXLITE_TRY(send("qmp_capabilities", {}));
    ++unread_answers_;
    is_greeted_ = true;
  }
  BOXLITE_TRY_CONTEXT(concat("ask QEMU to ", command), send(command, arguments));
  ++unread_answers_;
  return {};
}

Result<void> Qmp::pass_fd(std::string_view name, int fd, Deadline deadline) {
  BOXLITE_TRY(greet(deadline));
  BOXLITE_TRY(send("getfd", json{{"fdname", name}}.dump(), fd));
  BOXLITE_TRY_CONTEXT("pass a descriptor to QEMU", await_answer(deadline));
  return {};
}

Result<void> Qmp::await_migration(Deadline deadline) {
  while (migration_status_ != "completed") {
    if (migration_status_ == "failed" || migration_status_ == "cancelled")
      return fail(ErrorCode::unavailable, concat("save machine: migration ", migration_status_));
    const auto message = parse(BOXLITE_TRY(read_line(deadline)));
    if (auto status = migration_status(message); !status.empty()) migration_status_ = std::move(status);
  }
  return {};
}

Result<std::string> Qmp::ask(std::string_view command, std::string_view arguments, Deadline deadline) {
  BOXLITE_TRY(send(command, arguments));
  return await_answer(deadline);
}

Result<void> Qmp::send(std::string_view command, std::string_view arguments, int fd) {
  json request = {{"execute", command}};
  if (!arguments.empty()) request["arguments"] = json::parse(arguments);
  const auto text = request.dump() + "\n";
  const std::span<const int> fds(&fd, fd >= 0 ? 1 : 0);
  // Requests are far smaller than the socket's buffer, and few are under way.
  const auto sent = linux_::send_with_fds(socket_.get(), text, fds, linux_::WhenFull::wait);
  if (!sent || *sent != text.size()) return fail(gone());
  return {};
}

Result<std::string> Qmp::await_answer(Deadline deadline) {
  while (true) {
    const auto line = BOXLITE_TRY(read_line(deadline));
    const auto message = parse(line);
    if (!message.is_object())
      return fail(ErrorCode::corrupted, concat("QMP: not an object: ", in_quotes(line)));
    if (auto status = migration_status(message); !status.empty()) migration_status_ = std::move(status);
    auto answer = parse_answer(message);
    const bool is_event = answer && !*answer;
    if (is_event) continue;
    if (unread_answers_ > 0) {
      --unread_answers_;
      continue;
    }
    if (!answer) return std::unexpected(std::move(answer).error());
    return std::move(**answer);
  }
}

Result<std::string> Qmp::read_line(Deadline deadline) {
  while (true) {
    if (const auto end = received_.find('\n'); end != std::string::npos) {
      auto line = received_.substr(0, end);
      received_.erase(0, end + 1);
      return line;
    }
    if (received_.size() > longest_line) return fail(ErrorCode::corrupted, "QMP: a line without end");
    pollfd entry{socket_.get(), POLLIN, 0};
    if (::poll(&entry, 1, deadline.poll_timeout_ms()) == 0)
      return fail(ErrorCode::timed_out, "QMP: no answer");
    char buffer[4096];
    const auto count = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (count > 0) {
      received_.append(buffer, static_cast<std::size_t>(count));
    } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
      return fail(gone());
    }
  }
}

}  // namespace boxlite::engine::qemu
