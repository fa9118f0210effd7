// SPDX-License-Identifier: Apache-2.0
// The part of Execution that moves bytes.
#include <algorithm>
#include <cerrno>
#include <limits>

#include <unistd.h>

#include "agent/exec/execution.h"
#include "agent/exec/terminal.h"
#include "wire/exec_output.h"
#include "wire/method.h"

namespace boxlite::agent {
namespace {

constexpr std::size_t read_limit = 256u << 10;  // of one stream in one round of the loop
// Less credit than this waits for more, rather than go into crumbs.
constexpr std::size_t smallest_frame = 4096;

wire::OutputKind kind_of(std::size_t index) {
  return index == 0 ? wire::OutputKind::stdout_bytes : wire::OutputKind::stderr_bytes;
}

}  // namespace

// ---- output ----------------------------------------------------------------------------------------------

std::uint64_t Execution::keep_from(std::size_t index) const {
  std::uint64_t oldest = std::numeric_limits<std::uint64_t>::max();
  for (const auto& client : clients_) oldest = std::min(oldest, client.next[index]);
  return oldest;
}

// Reads at most `limit` bytes into the ring. Ends at the end of the stream, when nothing is there, or when
// the ring has no room that an attached client could spare.
std::size_t Execution::drain(std::size_t index, std::size_t limit) {
  auto& output = outputs_[index];
  std::size_t total = 0;
  while (output.fd.is_open() && total < limit) {
    auto room = output.ring.writable(keep_from(index));
    if (room.empty()) break;
    room = room.first(std::min(room.size(), limit - total));
    const auto count = ::read(output.fd.get(), room.data(), room.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      // After the process's end, all of a terminal's output has come by now.
      if (has_terminal_) output.left_to_drain = 0;
      break;
    }
    if (count <= 0) {
      // A terminal without users says EIO.
      output.watch.reset();
      output.fd.reset();
      break;
    }
    output.ring.commit(static_cast<std::size_t>(count));
    total += static_cast<std::size_t>(count);
    output.left_to_drain -= std::min(output.left_to_drain, static_cast<std::size_t>(count));
  }
  return total;
}

void Execution::read_output(std::size_t index) {
  auto& output = outputs_[index];
  const bool is_draining = !is_running() && !output.is_drained;
  drain(index, is_draining ? std::min(output.left_to_drain, read_limit) : read_limit);
  if (is_draining && (output.left_to_drain == 0 || !output.fd.is_open())) finish_output(index);
  pump();
}

// All that precedes the result is in the ring. Processes that outlived the command may go on writing; their
// output is kept for later clients, but the result does not wait for it.
void Execution::finish_output(std::size_t index) {
  auto& output = outputs_[index];
  output.is_drained = true;
  output.final_end = output.ring.end();
  output.ring.shrink();
}

void Execution::update_read_interest() {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    auto& output = outputs_[i];
    if (!output.fd.is_open()) continue;
    (void)output.watch.want(output.ring.has_room(keep_from(i)), false);
  }
}

bool Execution::is_complete(const Client& client) const {
  if (is_running()) return false;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    if (!outputs_[i].is_drained || client.next[i] < outputs_[i].final_end) return false;
  }
  return true;
}

// Returns whether the client has got everything, its result included.
bool Execution::pump_client(Client& client) {
  if (!client.knows_disk_error && !listener_.disk_error().empty()) send_disk_error(client);
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    auto& next = client.next[i];
    const auto& ring = outputs_[i].ring;
    next = std::max(next, ring.begin());
    while (next < ring.end() && !channel_.is_congested()) {
      auto bytes = ring.read(next);
      const std::size_t wanted = std::min(bytes.size(), smallest_frame) + wire::output_overhead;
      if (client.credit.available() < wanted) break;
      bytes = bytes.substr(
          0, std::min(client.credit.available() - wire::output_overhead, wire::max_output_bytes));
      client.credit.take(wire::write_output(channel_.out(), client.stream, kind_of(i), bytes, next));
      next += bytes.size();
    }
  }
  if (!is_complete(client)) return false;
  (void)wire::write_response(channel_.out(), client.stream, result_);
  return true;
}

void Execution::pump() {
  for (std::size_t i = 0; i < clients_.size();) {
    if (!pump_client(clients_[i])) {
      ++i;
      continue;
    }
    const auto stream = clients_[i].stream;
    remove_client(stream);
    listener_.on_stream_finished(stream);
  }
  update_read_interest();
}

// ---- clients ---------------------------------------------------------------------------------------------

Execution::Client* Execution::find_client(std::uint32_t stream) {
  const auto found = std::ranges::find(clients_, stream, &Client::stream);
  return found == clients_.end() ? nullptr : &*found;
}

void Execution::remove_client(std::uint32_t stream) {
  std::erase_if(clients_, [stream](const Client& client) { return client.stream == stream; });
  if (stdin_owner_ == stream) stdin_owner_ = 0;
}

void Execution::attach(std::uint32_t stream, const wire::msg::AttachRequest& request) {
  Client client{.stream = stream,
                .next = {request.stdout_offset(), request.stderr_offset()},
                .credit = {},
                .input = {}};
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    client.next[i] = std::clamp(client.next[i], outputs_[i].ring.begin(), outputs_[i].ring.end());
  }
  if (request.use_stdin() && has_open_stdin()) stdin_owner_ = stream;
  clients_.push_back(client);
  if (container_pid_ != 0) send_started(clients_.back());
  pump();
}

void Execution::send_started(const Client& client) {
  wire::msg::ExecOutput output;
  auto& started = *output.mutable_started();
  started.set_pid(static_cast<std::uint32_t>(container_pid_));
  started.set_started_at_ns(result_.started_at_ns());
  started.set_has_terminal(has_terminal_);
  started.set_has_stdin(has_open_stdin());
  started.set_stdout_begin(client.next[0]);
  started.set_stderr_begin(client.next[1]);
  if (const auto size = wire::write_data(channel_.out(), client.stream, output))
    find_client(client.stream)->credit.take(*size);
}

// A client that has no room for it now gets it with the next output.
void Execution::send_disk_error(Client& client) {
  const auto& text = listener_.disk_error();
  if (client.credit.available() < text.size() + wire::output_overhead) return;
  wire::msg::ExecOutput output;
  output.set_disk_error(text);
  if (const auto size = wire::write_data(channel_.out(), client.stream, output)) client.credit.take(*size);
  client.knows_disk_error = true;
}

void Execution::detach(std::uint32_t stream) {
  remove_client(stream);
  update_read_interest();
}

bool Execution::on_window(std::uint32_t stream, std::uint32_t count) {
  auto* const client = find_client(stream);
  if (client == nullptr) return true;
  if (!client->credit.grant(count)) return false;
  pump();
  // Room in the ring: what is left from before the end may come now.
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    if (!is_running() && !outputs_[i].is_drained) read_output(i);
  }
  return true;
}

// ---- input -----------------------------------------------------------------------------------------------

bool Execution::on_input(std::uint32_t stream, std::string_view payload) {
  auto* const client = find_client(stream);
  if (client == nullptr) return true;
  if (!client->input.receive(payload.size())) return false;
  auto input = wire::parse<wire::msg::ExecInput>(payload);
  if (!input) return false;
  const bool is_open = has_open_stdin() && stdin_owner_ == stream;
  if (input->has_stdin() && is_open) {
    inputs_.push_back({stream, std::move(*input->mutable_stdin()), 0, payload.size()});
    write_input();
    return true;
  }
  return_credit(stream, payload.size());
  if (input->has_resize() && has_terminal_ && stdin_.is_open())
    set_terminal_size(stdin_.get(), input->resize());
  if (input->close_stdin() && is_open) {
    input_ends_ = true;
    write_input();
  }
  return true;
}

void Execution::write_input() {
  while (!inputs_.empty()) {
    auto& input = inputs_.front();
    const auto count =
        ::write(stdin_.get(), input.bytes.data() + input.written, input.bytes.size() - input.written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      (void)stdin_watch_.want(false, true);
      return;
    }
    // The command has closed its end: it does not want any more, and the client need not know.
    if (count < 0) return drop_input();
    input.written += static_cast<std::size_t>(count);
    if (input.written < input.bytes.size()) continue;
    return_credit(input.stream, input.credited);
    inputs_.pop_front();
  }
  (void)stdin_watch_.want(false, false);
  if (input_ends_) close_input();
}

void Execution::close_input() {
  if (!has_terminal_) return drop_input();
  write_end_of_file(stdin_.get());
}

void Execution::drop_input() {
  stdin_watch_.reset();
  stdin_.reset();
  for (const auto& input : inputs_) return_credit(input.stream, input.credited);
  inputs_.clear();
}

void Execution::return_credit(std::uint32_t stream, std::size_t count) {
  auto* const client = find_client(stream);
  if (client == nullptr) return;
  if (const auto announced = client->input.consume(count); announced != 0) {
    channel_.out().window(stream, announced);
  }
}

void Execution::drop_output() {
  for (auto& output : outputs_) {
    output.watch.reset();
    output.fd.reset();
    output.ring.forget();
  }
}

}  // namespace boxlite::agent
