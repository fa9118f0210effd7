// SPDX-License-Identifier: Apache-2.0
// The guest's half of the multiplexer, and what both halves share.
#include "shim/mux/mux.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include "base/concat.h"
#include "linux/sockets/unix_socket.h"
#include "shim/mux/limits.h"

namespace boxlite::shim {
namespace {

std::string envelope(std::string_view service, std::string_view method, std::string payload) {
  wire::msg::Request request;
  request.set_service(service.data(), service.size());
  request.set_method(method.data(), method.size());
  request.set_payload(std::move(payload));
  return request.SerializeAsString();
}

}  // namespace

Result<std::unique_ptr<Mux>> Mux::create(linux_::EventLoop& loop, UniqueFd guest_port, Listener& listener) {
  auto mux = create(loop, listener);
  BOXLITE_TRY(mux->connect_guest(std::move(guest_port)));
  return mux;
}

Result<void> Mux::connect_guest(UniqueFd guest_port) {
  BOXLITE_TRY(linux_::set_non_blocking(guest_port.get()));
  guest_watch_.reset();
  guest_ = std::move(guest_port);
  guest_in_ = {};
  guest_out_ = {};
  held_ = {};
  gate_is_open_ = false;
  guest_wants_write_ = false;
  main_has_ended_ = false;
  left_commands_ = 0;
  left_main_.reset();
  guest_lost_.reset();
  refusal_.reset();
  turned_away_.reset();
  routes_.clear();
  guest_watch_ =
      BOXLITE_TRY(loop_.watch(guest_.get(), true, false, [this](auto ready) { handle_guest(ready); }));
  pace_clients();
  return {};
}

void Mux::send(std::string_view service, std::string_view method, std::string payload, OnPayload on_payload,
               Done done) {
  if (guest_lost_) {
    loop_.post(
        [done = std::move(done), why = *guest_lost_]() mutable { done(std::unexpected(std::move(why))); });
    return;
  }
  const auto stream = std::exchange(next_stream_, next_stream_ + 2);
  Route route;
  route.done = std::move(done);
  route.is_streaming = static_cast<bool>(on_payload);
  route.on_payload = std::move(on_payload);
  const bool is_streaming = route.is_streaming;
  routes_.emplace(stream, std::move(route));
  guest_out_.request(stream, envelope(service, method, std::move(payload)),
                     is_streaming ? wire::remote_open : std::uint8_t{0});
  flush_guest();
}

void Mux::open_gate() {
  if (std::exchange(gate_is_open_, true)) return;
  // Whole frames, so they go behind whatever the shim itself has under way.
  wire::FrameReader frames;
  while (!held_.empty()) {
    const auto room = frames.prepare();
    const auto part = held_.pending().substr(0, room.size());
    std::ranges::copy(part, room.begin());
    frames.commit(part.size());
    held_.consume(part.size());
    while (true) {
      const auto frame = frames.next();
      if (!frame || !*frame) break;
      guest_out_.append((*frame)->header, (*frame)->payload);
    }
  }
  if (left_main_) leave_main(std::move(*left_main_));
  flush_guest();
  pace_clients();
}

void Mux::refuse(Error why) {
  refusal_ = std::move(why);
  for (auto& [id, client] : clients_) {
    for (const auto& [stream, guest_stream] : std::exchange(client->streams, {})) {
      routes_.erase(guest_stream);
      answer_error(*client, stream, *refusal_);
    }
    touched_.push_back(id);
  }
  for (const auto id : std::exchange(touched_, {})) {
    if (clients_.contains(id)) flush_client(id);
  }
}

void Mux::handle_guest(linux_::Readiness ready) {
  if (ready.readable) {
    auto read = read_guest();
    for (const auto id : std::exchange(touched_, {})) {
      if (clients_.contains(id)) flush_client(id);
    }
    if (!read) return lose_guest(std::move(read).error());
  }
  flush_guest();
}

void Mux::drain_guest() {
  for (int turn = 0; turn < drain_turns && !guest_lost_; ++turn) handle_guest({.readable = true});
}

Result<void> Mux::read_guest() {
  for (int turn = 0; turn < reads_per_turn; ++turn) {
    const auto room = guest_in_.prepare();
    const auto count = ::recv(guest_.get(), room.data(), room.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return {};
    if (count <= 0) return fail(ErrorCode::stopped, "the machine closed the guest port");
    guest_in_.commit(static_cast<std::size_t>(count));
    while (const auto frame = BOXLITE_TRY_CONTEXT("read from the guest", guest_in_.next()))
      handle_guest_frame(*frame);
  }
  return {};
}

void Mux::handle_guest_frame(const wire::Frame& frame) {
  const auto found = routes_.find(frame.header.stream);
  // Of a stream that was given up while this was under way; a request of the guest has no meaning either.
  if (found == routes_.end() || frame.header.type == wire::FrameType::request) return;
  if (frame.header.type == wire::FrameType::response) return handle_response(found, frame);
  auto& route = found->second;
  if (route.client == 0) return take_own_frame(found, frame);
  const auto guest_stream = found->first;
  if (pass_to_client(route, frame)) return;
  auto& client = *clients_.at(route.client);
  client.streams.erase(route.stream);
  client.out().reset(route.stream);
  touched_.push_back(client.id());
  const bool guest_knows = frame.header.type == wire::FrameType::reset;
  if (guest_knows) {
    routes_.erase(found);
  } else {
    remove_route(guest_stream);
  }
}

void Mux::take_own_frame(Routes::iterator found, const wire::Frame& frame) {
  auto& route = found->second;
  const auto stream = found->first;
  if (frame.header.type == wire::FrameType::window) return;
  if (frame.header.type == wire::FrameType::data && route.is_streaming &&
      route.credit.receive(frame.payload.size())) {
    route.on_payload(frame.payload);
    if (const auto announced = route.credit.consume(frame.payload.size()); announced != 0) {
      guest_out_.window(stream, announced);
    }
    return;
  }
  auto node = routes_.extract(found);
  node.mapped().done(fail(ErrorCode::corrupted, "the guest has reset a call of the shim"));
}

// False: the stream is at its end, by a reset or by what the guest did wrong.
bool Mux::pass_to_client(Route& route, const wire::Frame& frame) {
  auto& client = *clients_.at(route.client);
  if (frame.header.type == wire::FrameType::data) {
    if (frame.payload.empty()) return true;
    if (!route.is_streaming || !route.to_client.take(frame.payload.size())) return false;
  } else if (frame.header.type == wire::FrameType::window) {
    const auto bytes = wire::decode_window(frame.payload);
    if (!bytes || !route.is_streaming || !route.to_guest.give(*bytes)) return false;
    if (*bytes == 0) return true;
  } else {
    return false;
  }
  auto header = frame.header;
  header.stream = route.stream;
  client.out().append(header, frame.payload);
  touched_.push_back(client.id());
  if (observer_ != nullptr && frame.header.type == wire::FrameType::data)
    observer_->on_bytes_from_guest(frame.payload.size());
  return true;
}

void Mux::handle_response(Routes::iterator found, const wire::Frame& frame) {
  // Gone before anything is called: the callee may make calls of its own.
  auto node = routes_.extract(found);
  auto& route = node.mapped();
  if (route.client == 0) return route.done(std::string(frame.payload));
  auto& client = *clients_.at(route.client);
  client.streams.erase(route.stream);
  auto header = frame.header;
  header.stream = route.stream;
  client.out().append(header, frame.payload);
  touched_.push_back(client.id());
  if (route.is_main) note_main_end(frame.payload);
  note_command_end(route, frame.payload);
}

void Mux::note_main_end(std::string_view response) {
  // An error is no end: the command may never have begun, and the caller knows.
  const auto result = wire::parse_response<wire::ExecStart>(response);
  if (!result || std::exchange(main_has_ended_, true)) return;
  listener_.on_main_end(*result);
}

// No client listens to the main command any more; its end still is the end of the box.
void Mux::leave_main(std::string exec_id) {
  wire::msg::WaitRequest request;
  request.set_id(std::move(exec_id));
  call<wire::ExecWait>(request, [this](Result<wire::msg::ExecResult> result) {
    if (result && !std::exchange(main_has_ended_, true)) listener_.on_main_end(*result);
  });
}

void Mux::note_command_end(const Route& route, std::string_view response) {
  if (observer_ == nullptr || route.is_main || route.exec_id.empty()) return;
  observer_->on_command_end(route.exec_id, wire::parse_response<wire::ExecStart>(response));
}

void Mux::leave_command(std::string exec_id) {
  if (observer_ == nullptr || guest_lost_ || left_commands_ >= max_left_commands) return;
  ++left_commands_;
  wire::msg::WaitRequest request;
  request.set_id(exec_id);
  call<wire::ExecWait>(request, [this, id = std::move(exec_id)](const Result<wire::msg::ExecResult>& result) {
    --left_commands_;
    if (observer_ != nullptr && result) observer_->on_command_end(id, result);
  });
}

void Mux::remove_route(std::uint32_t guest_stream) {
  auto node = routes_.extract(guest_stream);
  if (node.empty() || guest_lost_) return;
  toward_guest().reset(guest_stream);
  if (gate_is_open_ && !node.mapped().is_main && !node.mapped().exec_id.empty()) {
    loop_.post([this, id = node.mapped().exec_id]() mutable { leave_command(std::move(id)); });
  }
  if (!node.mapped().is_main || main_has_ended_) return;
  left_main_ = std::move(node.mapped().exec_id);
  // Later: this may be in the middle of a walk over the routes.
  if (gate_is_open_) {
    loop_.post([this] {
      if (left_main_) leave_main(*std::exchange(left_main_, std::nullopt));
    });
  }
}

void Mux::flush_guest() {
  if (guest_lost_) return;
  while (!guest_out_.empty()) {
    const auto bytes = guest_out_.pending();
    const auto count = ::send(guest_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    // The reading side finds out as well, and may still have something to read.
    if (count < 0) return;
    guest_out_.consume(static_cast<std::size_t>(count));
  }
  const bool wants_write = !guest_out_.empty();
  if (wants_write != guest_wants_write_ && guest_watch_.want(true, wants_write))
    guest_wants_write_ = wants_write;
  if (clients_are_paced_) pace_clients();
}

std::size_t Mux::client_stream_count() const {
  return static_cast<std::size_t>(std::ranges::count_if(routes_, [this](const auto& entry) {
    const auto& route = entry.second;
    return route.client != 0 && route.client != own_client_ && route.is_streaming;
  }));
}

void Mux::lose_guest(Error why) {
  guest_watch_.reset();
  guest_lost_ = std::move(why);
  std::vector<Done> waiting;
  for (auto& [stream, route] : routes_) {
    if (route.client == 0) waiting.push_back(std::move(route.done));
  }
  std::erase_if(routes_, [](const auto& entry) { return entry.second.client == 0; });
  for (auto& done : waiting) done(std::unexpected(*guest_lost_));
  listener_.on_guest_lost(*guest_lost_);
}

}  // namespace boxlite::shim
