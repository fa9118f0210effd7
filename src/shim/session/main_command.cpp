// SPDX-License-Identifier: Apache-2.0
#include "shim/session/main_command.h"

#include <utility>

namespace boxlite::shim {

void MainCommand::start(std::string_view request) {
  auto message = wire::parse<wire::msg::ExecRequest>(request);
  if (!message) return listener_.on_main_result(std::unexpected(std::move(message).error()));
  mux_.open<wire::ExecStart>(
      *message, [this](std::string_view payload) { take(payload); },
      [this](Result<wire::msg::ExecResult> result) { listener_.on_main_result(std::move(result)); });
}

void MainCommand::follow(std::string_view exec_id) {
  wire::msg::AttachRequest request;
  request.set_id(std::string(exec_id));
  mux_.open<wire::ExecAttach>(
      request, [this](std::string_view payload) { take(payload); },
      [this](Result<wire::msg::ExecResult> result) { listener_.on_main_result(std::move(result)); });
}

void MainCommand::take(std::string_view payload) {
  const auto message = wire::parse<wire::msg::ExecOutput>(payload);
  if (!message) return;  // what the guest cannot say properly is not worth keeping
  if (message->has_started()) return listener_.on_main_running();
  if (message->has_stdout()) take_output(false, message->stdout(), message->offset());
  if (message->has_stderr()) take_output(true, message->stderr(), message->offset());
}

void MainCommand::take_output(bool is_stderr, std::string_view bytes, std::uint64_t offset) {
  auto& next = next_[is_stderr ? 1 : 0];
  const auto lost = offset > next ? offset - next : 0;
  next = offset + bytes.size();
  listener_.on_main_output(is_stderr, bytes, lost);
}

}  // namespace boxlite::shim
