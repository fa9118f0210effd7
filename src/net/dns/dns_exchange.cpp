// SPDX-License-Identifier: Apache-2.0
#include "net/dns/dns_exchange.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

#include "base/concat.h"
#include "base/ids.h"

namespace boxlite::net {
namespace {

// What passes every path without fragments (the DNS flag day of 2020).
constexpr std::uint16_t datagram_size = 1232;

}  // namespace

Result<std::unique_ptr<DnsExchange>> DnsExchange::start(linux_::EventLoop& loop, Request request, Done done) {
  std::unique_ptr<DnsExchange> exchange(new DnsExchange(loop, std::move(request), std::move(done)));
  BOXLITE_TRY(exchange->send_datagram());
  auto* self = exchange.get();
  exchange->timer_ = loop.after(self->request_.limit, [self] {
    self->finish(fail(ErrorCode::timed_out,
                      concat("name server ", self->request_.server.address.str(), ": no answer")));
  });
  return exchange;
}

DnsExchange::DnsExchange(linux_::EventLoop& loop, Request request, Done done)
    : loop_(loop), request_(std::move(request)), done_(std::move(done)) {
  const auto bytes = random_bytes(sizeof id_);
  std::memcpy(&id_, bytes.data(), sizeof id_);
  DnsMessage message{.id = id_, .questions = {request_.question}};
  if (request_.has_edns) message.edns_size = datagram_size;
  query_ = encode(message);
}

// Connected, so that the kernel picks the port at random, drops what others send and tells when nobody is
// there.
Result<void> DnsExchange::open(int type) {
  sockaddr_storage storage;
  const auto size = request_.server.address.to_sockaddr(request_.server.port, storage);
  const auto what = request_.server.address.str();
  watch_.reset();
  socket_.reset(::socket(storage.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_.is_open()) return fail(syscall_error("socket", what, errno));
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 &&
      errno != EINPROGRESS)
    return fail(syscall_error("connect", what, errno));
  return {};
}

Result<void> DnsExchange::send_datagram() {
  BOXLITE_TRY(open(SOCK_DGRAM));
  if (::send(socket_.get(), query_.data(), query_.size(), MSG_NOSIGNAL) < 0)
    return fail(syscall_error("send", request_.server.address.str(), errno));
  watch_ = BOXLITE_TRY(
      loop_.watch(socket_.get(), true, false, [this](linux_::Readiness) { receive_datagrams(); }));
  return {};
}

bool DnsExchange::is_answer(const DnsMessage& message) const {
  if (!message.is_response || message.id != id_ || message.opcode != 0) return false;
  // Servers that did not understand the question may leave it out.
  if (message.questions.empty()) return message.rcode == dns_rcode::format_error;
  return message.questions.size() == 1 && message.questions.front().is_like(request_.question);
}

void DnsExchange::receive_datagrams() {
  std::array<char, 4096> buffer;
  // A few at a time: a flood of forged ones must not keep the loop.
  for (int i = 0; i < 16; ++i) {
    const auto count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) return finish(fail(syscall_error("receive", request_.server.address.str(), errno)));
    auto message = parse_dns_message({buffer.data(), static_cast<std::size_t>(count)});
    if (!message || !is_answer(*message)) continue;
    if (!message->is_truncated) return finish(std::move(message));
    if (auto begun = begin_stream(); !begun) finish(std::unexpected(begun.error()));
    return;
  }
}

Result<void> DnsExchange::begin_stream() {
  BOXLITE_TRY(open(SOCK_STREAM));
  unsent_ = concat(static_cast<char>(query_.size() >> 8), static_cast<char>(query_.size() & 0xff), query_);
  watch_ = BOXLITE_TRY(
      loop_.watch(socket_.get(), true, true, [this](linux_::Readiness ready) { move_stream(ready); }));
  return {};
}

void DnsExchange::move_stream(linux_::Readiness ready) {
  if (ready.writable && !unsent_.empty()) {
    if (auto written = write_stream(); !written) return finish(std::unexpected(written.error()));
  }
  if (!ready.readable) return;
  if (auto read = read_stream(); !read) return finish(std::unexpected(read.error()));
  if (received_.size() < dns_length_size || received_.size() < dns_length_size + dns_length_in(received_))
    return;
  auto message =
      parse_dns_message(std::string_view(received_).substr(dns_length_size, dns_length_in(received_)));
  if (message && !is_answer(*message))
    return finish(
        fail(ErrorCode::corrupted, concat("name server ", request_.server.address.str(), ": wrong answer")));
  finish(std::move(message));
}

Result<void> DnsExchange::write_stream() {
  const auto count = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (count < 0) return fail(syscall_error("send", request_.server.address.str(), errno));
  unsent_.erase(0, static_cast<std::size_t>(count));
  if (unsent_.empty()) return watch_.want(true, false);
  return {};
}

Result<void> DnsExchange::read_stream() {
  std::array<char, 16384> buffer;
  const auto count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (count < 0) return fail(syscall_error("receive", request_.server.address.str(), errno));
  if (count == 0)
    return fail(ErrorCode::unavailable, concat("name server ", request_.server.address.str(), " hung up"));
  received_.append(buffer.data(), static_cast<std::size_t>(count));
  return {};
}

void DnsExchange::finish(Result<DnsMessage> result) {
  watch_.reset();
  timer_.reset();
  socket_.reset();
  auto done = std::move(done_);
  done(std::move(result));  // `this` may be gone now
}

}  // namespace boxlite::net
