// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/socket.h>

#include "base/concat.h"
#include "vmm/qemu/qmp.h"

namespace boxlite::vmm::qemu {
namespace {

using nlohmann::json;

// No answer that we ask for is near this.
constexpr std::size_t longest_line = 1u << 20;

Error gone() {
  return Error(ErrorCode::stopped, "QEMU has ended");
}

// What an answer says: its value, an error, or nothing when the line is an event.
Result<std::optional<std::string>> parse_answer(std::string_view line) {
  const auto message = json::parse(line, nullptr, false);
  if (!message.is_object())
    return fail(ErrorCode::corrupted, concat("QMP: not an object: ", in_quotes(line)));
  if (message.contains("return")) return message["return"].dump();
  if (message.contains("error"))
    return fail(ErrorCode::unavailable, concat("QMP: ", message["error"].dump()));
  return std::optional<std::string>();
}

}  // namespace

Result<std::string> Qmp::execute(std::string_view command, std::string_view arguments, Deadline deadline) {
  BOXLITE_TRY_CONTEXT(concat("ask QEMU to ", command), greet(deadline));
  return BOXLITE_TRY_CONTEXT(concat("ask QEMU to ", command), ask(command, arguments, deadline));
}

Result<std::string> Qmp::query_status(Deadline deadline) {
  const auto answer = json::parse(BOXLITE_TRY(execute("query-status", {}, deadline)), nullptr, false);
  if (!answer.is_object() || !answer.contains("status") || !answer["status"].is_string()) {
    return fail(ErrorCode::corrupted, "QMP: query-status has no status");
  }
  return answer["status"].get<std::string>();
}

Result<void> Qmp::greet(Deadline deadline) {
  if (is_greeted_) return {};
  BOXLITE_TRY(read_line(deadline));
  BOXLITE_TRY(ask("qmp_capabilities", {}, deadline));
  is_greeted_ = true;
  return {};
}

Result<std::string> Qmp::ask(std::string_view command, std::string_view arguments, Deadline deadline) {
  json request = {{"execute", command}};
  if (!arguments.empty()) request["arguments"] = json::parse(arguments);
  const auto text = request.dump() + "\n";
  // A request is far smaller than the socket's buffer, and one at a time is under way.
  if (::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) {
    return fail(gone());
  }
  while (true) {
    const auto line = BOXLITE_TRY(read_line(deadline));
    auto answer = BOXLITE_TRY(parse_answer(line));
    if (answer) return std::move(*answer);
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

}  // namespace boxlite::vmm::qemu
