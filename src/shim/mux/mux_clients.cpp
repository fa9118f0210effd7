// SPDX-License-Identifier: Apache-2.0
// The clients' half of the multiplexer.
#include <utility>

#include <unistd.h>

#include "base/concat.h"
#include "linux/sockets/unix_socket.h"
#include "shim/mux/limits.h"
#include "shim/mux/mux.h"

namespace boxlite::shim {
namespace {

// The rest of the service Guest is the machine's life, which is the shim's own affair.
bool is_for_clients(const wire::msg::Request& request, bool is_own) {
  // Who listens has what programs in the box say to the host's sockets.
  if (request.service() == wire::tunnels_service && request.method() == wire::TunnelsListen::name)
    return is_own;
  if (request.service() == wire::exec_service || request.service() == wire::files_service ||
      request.service() == wire::tunnels_service) {
    return true;
  }
  if (request.service() != wire::guest_service) return false;
  const auto& method = request.method();
  return method == wire::GuestPing::name || method == wire::GuestStats::name ||
         method == wire::GuestProcesses::name;
}

}  // namespace

Result<void> Mux::accept_from(UniqueFd listener_socket) {
  BOXLITE_TRY(linux_::set_non_blocking(listener_socket.get()));
  listener_socket_ = std::move(listener_socket);
  listener_watch_ = BOXLITE_TRY(
      loop_.watch(listener_socket_.get(), true, false, [this](linux_::Readiness) { accept_clients(); }));
  return {};
}

void Mux::accept_clients() {
  while (true) {
    auto socket = linux_::accept_unix(listener_socket_.get());
    if (socket) {
      add_client(std::move(*socket));
      continue;
    }
    if (socket.error().code() == ErrorCode::unavailable) return;
    // Out of descriptors or memory: the connection stays in the backlog, and asking again at once would spin.
    (void)listener_watch_.want(false, false);
    accept_again_ = loop_.after(accept_pause, [this] { (void)listener_watch_.want(true, false); });
    return;
  }
}

Result<UniqueFd> Mux::connect_own() {
  auto ends = BOXLITE_TRY(linux_::unix_socket_pair());
  BOXLITE_TRY(linux_::set_non_blocking(ends.second.get()));
  own_client_ = add_client(std::move(ends.second));
  if (own_client_ == 0) return fail(ErrorCode::resource_exhausted, "the shim has too many clients");
  return std::move(ends.first);
}

// 0: it was not let in.
std::uint64_t Mux::add_client(UniqueFd socket) {
  // The socket's mode says as much; this also holds when somebody changes that.
  const auto peer = linux_::peer_credentials(socket.get());
  if (!peer || (peer->uid != ::geteuid() && peer->uid != 0)) return 0;
  // Nor does the machine's process, which has our uid, get to use our rights instead of its own.
  if (machine_session_ > 0 && ::getsid(peer->pid) == machine_session_) return 0;
  if (clients_.size() >= max_clients) return 0;
  const auto id = next_client_++;
  auto client = Client::create(loop_, id, std::move(socket),
                               [this, id](linux_::Readiness ready) { handle_client(id, ready); });
  if (!client) return 0;
  clients_.emplace(id, std::move(*client));
  return id;
}

void Mux::handle_client(std::uint64_t id, linux_::Readiness ready) {
  if (ready.readable) {
    if (!read_client(id)) return drop_client(id);
  }
  // The turn may have dropped it.
  if (clients_.contains(id)) flush_client(id);
  flush_guest();
}

Result<void> Mux::read_client(std::uint64_t id) {
  for (int turn = 0; turn < reads_per_turn; ++turn) {
    auto& client = *clients_.at(id);
    if (!client.is_reading() || !BOXLITE_TRY(client.receive())) return {};
    while (const auto frame = BOXLITE_TRY(client.in().next())) {
      BOXLITE_TRY(handle_client_frame(client, *frame));
    }
    pace_clients();
  }
  return {};
}

Result<void> Mux::handle_client_frame(Client& client, const wire::Frame& frame) {
  switch (frame.header.type) {
    case wire::FrameType::request: return handle_request(client, frame);
    case wire::FrameType::response: return fail(ErrorCode::corrupted, "a client sent a response");
    default: return handle_stream_frame(client, frame);
  }
}

Result<void> Mux::handle_request(Client& client, const wire::Frame& frame) {
  const auto stream = frame.header.stream;
  if (stream % 2 == 0 || client.streams.contains(stream) || client.shim_calls.contains(stream)) {
    return fail(ErrorCode::corrupted, "a client chose a stream id that it may not");
  }
  const auto request = BOXLITE_TRY(wire::parse<wire::msg::Request>(frame.payload));
  if (request.service() == wire::shim_service) {
    if (client.shim_calls.size() >= max_streams_per_client) {
      return fail(ErrorCode::resource_exhausted, "a client made too many calls");
    }
    client.shim_calls.insert(stream);
    // Later: what the listener does may change the very tables that we are in the middle of.
    loop_.post([this, call = ShimCall{client.id(), stream, request.method(), request.payload()}] {
      listener_.on_shim_call(call);
    });
    return {};
  }
  if (refusal_ || turned_away_) {
    answer_error(client, stream, turned_away_ ? *turned_away_ : *refusal_);
    return {};
  }
  if (!is_for_clients(request, client.id() == own_client_)) {
    answer_error(
        client, stream,
        Error(ErrorCode::unsupported, concat("no method ", in_quotes(request.method()), " for clients")));
  } else if (client.streams.size() >= max_streams_per_client || routes_.size() >= max_streams) {
    answer_error(client, stream, Error(ErrorCode::resource_exhausted, "too many calls at once in this box"));
  } else {
    forward_request(client, frame, request);
  }
  return {};
}

void Mux::forward_request(Client& client, const wire::Frame& frame, const wire::msg::Request& request) {
  const auto guest_stream = std::exchange(next_stream_, next_stream_ + 2);
  Route route{.client = client.id(),
              .stream = frame.header.stream,
              .is_streaming = (frame.header.flags & wire::remote_open) != 0,
              .to_guest = {},
              .to_client = {}};
  if (request.service() == wire::exec_service && request.method() == wire::ExecStart::name) {
    const auto start = wire::parse<wire::msg::ExecRequest>(request.payload());
    route.is_main = start && start->is_main();
    if (start) route.exec_id = start->id();
    if (start && observer_ != nullptr) observer_->on_command(*start);
    // Later: the request has to be on its way first.
    if (route.is_main) loop_.post([this, id = start->id()] { listener_.on_main_start(id); });
  }
  const bool is_use = route.is_streaming || request.service() == wire::files_service;
  if (is_use && client.id() != own_client_) ++client_streams_so_far_;
  routes_.emplace(guest_stream, std::move(route));
  client.streams.emplace(frame.header.stream, guest_stream);
  auto header = frame.header;
  header.stream = guest_stream;
  toward_guest().append(header, frame.payload);
}

Result<void> Mux::handle_stream_frame(Client& client, const wire::Frame& frame) {
  const auto stream = frame.header.stream;
  // A call to the shim itself: a reset only means that the client does not wait for the answer.
  if (frame.header.type == wire::FrameType::reset) client.shim_calls.erase(stream);
  const auto found = client.streams.find(stream);
  // It ended while the frame was under way.
  if (found == client.streams.end()) return {};
  const auto guest_stream = found->second;
  auto& route = routes_.at(guest_stream);
  bool is_allowed = true;
  if (frame.header.type == wire::FrameType::reset) {
    client.streams.erase(found);
    remove_route(guest_stream);
    return {};
  }
  if (frame.header.type == wire::FrameType::data) {
    // Empty ones cost no credit, so they must not pile up.
    if (frame.payload.empty()) return {};
    is_allowed = route.is_streaming && route.to_guest.take(frame.payload.size());
  } else {
    const auto bytes = wire::decode_window(frame.payload);
    is_allowed = bytes && route.is_streaming && route.to_client.give(*bytes);
    if (is_allowed && *bytes == 0) return {};
  }
  if (!is_allowed) {
    client.streams.erase(found);
    client.out().reset(stream);
    remove_route(guest_stream);
    return {};
  }
  if (observer_ != nullptr && frame.header.type == wire::FrameType::data)
    observer_->on_bytes_to_guest(frame.payload.size());
  auto header = frame.header;
  header.stream = guest_stream;
  toward_guest().append(header, frame.payload);
  return {};
}

void Mux::flush_client(std::uint64_t id) {
  auto& client = *clients_.at(id);
  if (!client.flush()) return drop_client(id);
  pace_clients();
}

void Mux::drop_client(std::uint64_t id) {
  auto node = clients_.extract(id);
  if (node.empty()) return;
  for (const auto& [stream, guest_stream] : node.mapped()->streams) remove_route(guest_stream);
  flush_guest();
}

// Clients are not read while the guest does not take what they sent, and one of them not while it does not
// take its answers.
void Mux::pace_clients() {
  const auto backlog = guest_out_.size() + held_.size();
  if (backlog > stop_reading_above) clients_are_paced_ = true;
  if (backlog < resume_reading_below) clients_are_paced_ = false;
  for (auto& [id, client] : clients_) {
    const auto pending = client->out().size();
    const bool was_slow = !client->is_reading();
    const bool is_slow = pending > (was_slow ? resume_reading_below : stop_reading_above);
    // A failure shows again at the next read or write.
    (void)client->set_reading(!clients_are_paced_ && !is_slow);
  }
}

void Mux::answer_error(Client& client, std::uint32_t stream, const Error& error) {
  wire::write_error(client.out(), stream, error);
}

void Mux::answer(const ShimCall& call, const google::protobuf::MessageLite& response) {
  const auto found = clients_.find(call.client);
  if (found == clients_.end() || found->second->shim_calls.erase(call.stream) == 0) return;
  if (!wire::write_response(found->second->out(), call.stream, response)) return;
  flush_client(call.client);
}

void Mux::answer(const ShimCall& call, const Error& error) {
  const auto found = clients_.find(call.client);
  if (found == clients_.end() || found->second->shim_calls.erase(call.stream) == 0) return;
  answer_error(*found->second, call.stream, error);
  flush_client(call.client);
}

bool Mux::is_flushed() const {
  for (const auto& [id, client] : clients_) {
    if (!client->out().empty()) return false;
  }
  return true;
}

}  // namespace boxlite::shim
