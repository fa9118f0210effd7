// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "net/inspection/http/byte_queue.h"
#include "net/inspection/socket_channel.h"
#include "net/inspection/tls/openssl_types.h"

namespace boxlite::net {

// The plain side of a TLS connection. Either part (SSL_set_accept_state, SSL_set_connect_state).
class TlsStream : public Channel {
 public:
  // Takes the socket over with what it has read already. Write when there is room().
  static Result<std::unique_ptr<TlsStream>> create(TlsPtr tls, std::unique_ptr<SocketChannel> socket);

  // The handshake is done; of a client: the server is who it should be.
  bool is_ready() const { return is_ready_; }
  // Agreed by ALPN; empty: none.
  std::string protocol() const;

  std::string_view input() const override { return input_.view(); }
  void consume(std::size_t count) override;
  bool has_ended() const override { return has_ended_; }
  bool is_cut_off() const override { return is_cut_off_; }
  std::size_t room() const override { return is_ready_ ? socket_->room() : 0; }
  void write(std::string_view bytes) override;
  void finish() override;
  bool is_finished() const override { return socket_->is_finished(); }
  const std::optional<Error>& failure() const override { return failure_; }
  void reset() override { socket_->reset(); }

 private:
  TlsStream(TlsPtr tls, std::unique_ptr<SocketChannel> socket);
  void advance();
  bool feed();
  bool shake_hands();
  bool decrypt();
  void flush();
  void fail_with(std::string_view what);

  std::unique_ptr<SocketChannel> socket_;
  TlsPtr tls_;
  BIO* incoming_;  // both owned by tls_
  BIO* outgoing_;
  ByteQueue input_;
  bool is_ready_ = false;
  bool has_ended_ = false;
  bool is_cut_off_ = false;
  bool is_finishing_ = false;
  std::optional<Error> failure_;
};

}  // namespace boxlite::net
