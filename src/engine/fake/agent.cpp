// SPDX-License-Identifier: Apache-2.0
#include "engine/fake/agent.h"

#include <charconv>
#include <csignal>
#include <utility>

#include "base/concat.h"
#include "wire/method.h"
#include "wire/rehearsal.h"

namespace boxlite::engine::fake {
namespace {

constexpr std::uint32_t protocol = 1;

// Their time has not come, in a machine that has no faults.
bool is_answered_later(std::string_view method) {
  return method == wire::GuestAwaitDiskErrors::name || method == wire::TunnelsListen::name;
}

wire::msg::ExecResult exited(std::uint32_t code) {
  wire::msg::ExecResult result;
  result.set_exit_code(code);
  return result;
}

wire::msg::ExecResult signalled(std::uint32_t signal) {
  wire::msg::ExecResult result;
  result.set_signal(signal);
  return result;
}

wire::msg::ExecOutput started() {
  wire::msg::ExecOutput output;
  output.mutable_started()->set_pid(1);
  return output;
}

}  // namespace

void Agent::handle(const wire::Frame& frame) {
  // Input, credit and streams that are given up change nothing here.
  if (is_silent_ || frame.header.type != wire::FrameType::request) return;
  const auto request = wire::parse<wire::msg::Request>(frame.payload);
  if (!request) return;
  const auto fault = script_.faults.find(request->method());
  if (fault != script_.faults.end()) return commit(fault->second, frame.header.stream);
  answer(*request, frame.header.stream);
}

void Agent::commit(const Fault& fault, std::uint32_t stream) {
  if (std::holds_alternative<Silence>(fault)) is_silent_ = true;
  if (std::holds_alternative<Garbage>(fault)) out_.raw(std::string(64, '\xff'));
  if (std::holds_alternative<HangUp>(fault)) has_hung_up_ = true;
  if (const auto* why = std::get_if<Error>(&fault)) wire::write_error(out_, stream, *why);
  if (const auto* end = std::get_if<MachineEnd>(&fault)) end_ = *end;
}

void Agent::answer(const wire::msg::Request& request, std::uint32_t stream) {
  const auto& method = request.method();
  const auto& payload = request.payload();
  if (method == wire::GuestHello::name) {
    wire::msg::HelloResponse hello;
    hello.set_protocol(protocol);
    hello.set_kernel_release("fake");
    return (void)wire::write_response(out_, stream, hello);
  }
  if (method == wire::ExecStart::name) return start(*wire::parse<wire::msg::ExecRequest>(payload), stream);
  if (method == wire::ExecAttach::name)
    return attach(*wire::parse<wire::msg::AttachRequest>(payload), stream);
  if (method == wire::ExecSignal::name)
    return signal(*wire::parse<wire::msg::SignalRequest>(payload), stream);
  if (method == wire::GuestShutdown::name) return shut_down(stream);
  if (is_answered_later(method)) return;
  // All others have done what they are asked, of which an empty message says nothing.
  (void)wire::write_response(out_, stream, wire::msg::ConfigureResponse());
}

void Agent::start(const wire::msg::ExecRequest& request, std::uint32_t stream) {
  // A rehearsal of a main command is nobody's.
  const bool is_main = request.is_main() && !request.id().starts_with(wire::rehearsal_id);
  const Command command{request.id(), stream, is_main};
  (void)wire::write_data(out_, stream, started());
  const std::string program = request.args_size() > 0 ? request.args(0) : "";
  const std::string argument = request.args_size() > 1 ? request.args(1) : "";
  if (program == "stay") return (void)running_.emplace(command.id, command);
  if (program == "say") {
    wire::msg::ExecOutput output;
    output.set_stdout(argument);
    (void)wire::write_data(out_, stream, output);
  }
  std::uint32_t code = 0;
  if (program == "exit") std::from_chars(argument.data(), argument.data() + argument.size(), code);
  end_command(command, exited(code));
}

void Agent::attach(const wire::msg::AttachRequest& request, std::uint32_t stream) {
  (void)wire::write_data(out_, stream, started());
  const auto ended = ended_.find(request.id());
  if (ended != ended_.end()) return (void)wire::write_response(out_, stream, ended->second);
  // A second listener, by a name of its own.
  const auto name = concat(request.id(), " ", stream);
  running_.emplace(name, Command{name, stream, false});
}

void Agent::signal(const wire::msg::SignalRequest& request, std::uint32_t stream) {
  (void)wire::write_response(out_, stream, wire::msg::SignalResponse());
  const auto found = running_.find(request.id());
  if (found == running_.end()) return;
  const auto command = found->second;
  running_.erase(found);
  end_command(command, signalled(request.signal()));
}

void Agent::shut_down(std::uint32_t stream) {
  for (const auto& [id, command] : std::exchange(running_, {})) end_command(command, signalled(SIGTERM));
  (void)wire::write_response(out_, stream, wire::msg::ShutdownResponse());
  end_ = MachineEnd();
}

// The power goes with the main command.
void Agent::end_command(const Command& command, const wire::msg::ExecResult& result) {
  (void)wire::write_response(out_, command.stream, result);
  ended_.emplace(command.id, result);
  if (command.is_main) end_ = MachineEnd();
}

}  // namespace boxlite::engine::fake
