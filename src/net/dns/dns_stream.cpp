// SPDX-License-Identifier: Apache-2.0
#include "net/dns/dns_stream.h"

#include <array>
#include <cerrno>
#include <chrono>

#include <sys/socket.h>

#include "linux/sockets/unix_socket.h"

namespace boxlite::net {
namespace {

using namespace std::chrono_literals;

constexpr auto idle_limit = 30s;
constexpr std::size_t most_unsent = 128u << 10;

}  // namespace

DnsStream::DnsStream(linux_::EventLoop& loop, DnsServer& server, UniqueFd stream,
                     std::move_only_function<void()> on_end)
    : loop_(loop),
      server_(server),
      stream_(std::move(stream)),
      on_end_(std::move(on_end)),
      self_(std::make_shared<DnsStream*>(this)) {}

Result<std::unique_ptr<DnsStream>> DnsStream::create(linux_::EventLoop& loop, DnsServer& server,
                                                     UniqueFd stream,
                                                     std::move_only_function<void()> on_end) {
  BOXLITE_TRY(linux_::set_non_blocking(stream.get()));
  std::unique_ptr<DnsStream> created(new DnsStream(loop, server, std::move(stream), std::move(on_end)));
  auto* self = created.get();
  self->watch_ = BOXLITE_TRY(
      loop.watch(self->stream_.get(), true, false, [self](linux_::Readiness ready) { self->move(ready); }));
  self->wait_for_more();
  return created;
}

void DnsStream::wait_for_more() {
  idle_ = loop_.after(idle_limit, [this] { end(); });
}

// Not at once: the owner that drops us must not do so below our own calls.
void DnsStream::end_soon() {
  is_over_ = true;
  watch_.reset();
  idle_ = loop_.after(0ms, [this] { end(); });
}

void DnsStream::end() {
  auto on_end = std::move(on_end_);
  on_end();  // `this` may be gone now
}

void DnsStream::move(linux_::Readiness ready) {
  if (ready.writable && !unsent_.empty() && !write()) return end_soon();
  if (ready.readable && !has_heard_all_ && !read()) return end_soon();
  go_on();
}

bool DnsStream::read() {
  std::array<char, 4096> buffer;
  const auto count = ::recv(stream_.get(), buffer.data(), buffer.size(), 0);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) has_heard_all_ = true;
  received_.append(buffer.data(), static_cast<std::size_t>(count));
  wait_for_more();
  return true;
}

bool DnsStream::write() {
  const auto count = ::send(stream_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  unsent_.erase(0, static_cast<std::size_t>(count));
  wait_for_more();
  return true;
}

bool DnsStream::has_room() const {
  return open_ < most_open && unsent_.size() < most_unsent;
}

void DnsStream::answer_received() {
  is_answering_ = true;
  while (has_room() && received_.size() >= dns_length_size) {
    const auto end = dns_length_size + dns_length_in(received_);
    if (received_.size() < end) break;
    const auto query = received_.substr(dns_length_size, end - dns_length_size);
    received_.erase(0, end);
    ++open_;
    server_.answer(query, DnsServer::Transport::tcp,
                   [weak = std::weak_ptr(self_)](const std::string& message) {
                     if (const auto alive = weak.lock()) (*alive)->take_answer(message);
                   });
  }
  is_answering_ = false;
}

void DnsStream::take_answer(std::string_view message) {
  --open_;
  unsent_ += static_cast<char>(message.size() >> 8);
  unsent_ += static_cast<char>(message.size() & 0xff);
  unsent_ += message;
  if (!is_answering_) go_on();
}

void DnsStream::go_on() {
  if (is_over_) return;
  answer_received();
  const bool is_done = has_heard_all_ && open_ == 0 && unsent_.empty();
  if (is_done || !watch_.want(has_room() && !has_heard_all_, !unsent_.empty())) end_soon();
}

}  // namespace boxlite::net
