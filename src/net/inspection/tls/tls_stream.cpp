// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/tls/tls_stream.h"

#include <algorithm>

#include <openssl/err.h>

#include "base/concat.h"

namespace boxlite::net {
namespace {

// A record and a bit: what the other side has encrypted stays in the socket until we get to it.
constexpr std::size_t incoming_limit = 20u << 10;

}  // namespace

TlsStream::TlsStream(TlsPtr tls, std::unique_ptr<SocketChannel> socket)
    : socket_(std::move(socket)),
      tls_(std::move(tls)),
      incoming_(BIO_new(BIO_s_mem())),
      outgoing_(BIO_new(BIO_s_mem())) {}

Result<std::unique_ptr<TlsStream>> TlsStream::create(TlsPtr tls, std::unique_ptr<SocketChannel> socket) {
  std::unique_ptr<TlsStream> stream(new TlsStream(std::move(tls), std::move(socket)));
  if (stream->incoming_ == nullptr || stream->outgoing_ == nullptr) {
    BIO_free(stream->incoming_);
    BIO_free(stream->outgoing_);
    return fail(openssl_error(ErrorCode::resource_exhausted, "begin TLS"));
  }
  SSL_set_bio(stream->tls_.get(), stream->incoming_, stream->outgoing_);
  stream->socket_->on_change([raw = stream.get()] {
    raw->advance();
    raw->notify();
  });
  stream->advance();
  return stream;
}

std::string TlsStream::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(tls_.get(), &name, &size);
  return std::string(reinterpret_cast<const char*>(name), size);
}

void TlsStream::consume(std::size_t count) {
  input_.consume(count);
  advance();
}

void TlsStream::write(std::string_view bytes) {
  if (failure_ || is_finishing_ || !is_ready_) return;
  while (!bytes.empty()) {
    ERR_clear_error();
    std::size_t written = 0;
    if (SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &written) != 1) return fail_with("TLS: write");
    bytes.remove_prefix(written);
  }
  flush();
}

void TlsStream::finish() {
  if (is_finishing_) return;
  is_finishing_ = true;
  if (is_ready_ && !failure_) SSL_shutdown(tls_.get());
  ERR_clear_error();
  flush();
  socket_->finish();
}

void TlsStream::advance() {
  if (failure_) return;
  for (bool moved = true; moved && !failure_;) {
    moved = feed();
    if (!is_ready_) moved = shake_hands() || moved;
    if (is_ready_) moved = decrypt() || moved;
    flush();
  }
  if (!failure_ && socket_->failure()) failure_ = socket_->failure();
}

// Nothing is taken in while our answers to it (alerts, key updates) are not taken off us.
bool TlsStream::feed() {
  const auto pending = BIO_ctrl_pending(incoming_);
  if (pending >= incoming_limit || socket_->room() == 0) return false;
  const auto bytes = socket_->input().substr(0, incoming_limit - pending);
  if (bytes.empty()) return false;
  BIO_write(incoming_, bytes.data(), static_cast<int>(bytes.size()));
  socket_->consume(bytes.size());
  return true;
}

bool TlsStream::shake_hands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(tls_.get());
  if (result == 1) {
    is_ready_ = true;
    return true;
  }
  const int reason = SSL_get_error(tls_.get(), result);
  if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) {
    fail_with("TLS handshake");
  } else if (socket_->has_ended() && socket_->input().empty() && BIO_ctrl_pending(incoming_) == 0) {
    failure_ = Error(ErrorCode::unavailable, "TLS handshake: the connection was closed");
  }
  return false;
}

bool TlsStream::decrypt() {
  bool moved = false;
  while (!has_ended_ && input_.size() < input_limit) {
    ERR_clear_error();
    const int result = static_cast<int>(
        input_.append_with(input_limit - input_.size(), [this](char* place, std::size_t room) -> long {
          std::size_t count = 0;
          return SSL_read_ex(tls_.get(), place, room, &count) == 1 ? static_cast<long>(count) : 0;
        }));
    if (result > 0) {
      moved = true;
      continue;
    }
    const int reason = SSL_get_error(tls_.get(), result);
    if (reason == SSL_ERROR_ZERO_RETURN) {
      has_ended_ = true;
    } else if (reason != SSL_ERROR_WANT_READ) {
      fail_with("TLS: read");
    } else if (socket_->has_ended() && socket_->input().empty() && BIO_ctrl_pending(incoming_) == 0) {
      has_ended_ = is_cut_off_ = true;
    }
    break;
  }
  return moved;
}

void TlsStream::flush() {
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(outgoing_, &bytes);
  if (size <= 0) return;
  socket_->write({bytes, static_cast<std::size_t>(size)});
  (void)BIO_reset(outgoing_);
  if (!failure_ && socket_->failure()) failure_ = socket_->failure();
}

void TlsStream::fail_with(std::string_view what) {
  flush();  // the alert that tells the peer
  const auto verdict = SSL_get_verify_result(tls_.get());
  if (verdict != X509_V_OK) {
    ERR_clear_error();
    failure_ = Error(ErrorCode::permission_denied,
                     concat("the server's certificate: ", X509_verify_cert_error_string(verdict)));
  } else {
    failure_ = openssl_error(ErrorCode::unavailable, what);
  }
}

}  // namespace boxlite::net
