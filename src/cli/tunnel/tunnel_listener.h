// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <utility>

#include <sys/types.h>

#include "cli/ending.h"
#include "cli/terminal/descriptor.h"
#include "cli/tunnel/tunnel_options.h"

namespace boxlite::cli {

// A listening socket of this host: TCP, or a unix socket that this user alone may connect to and that is
// removed at the end. One thread.
class TunnelListener {
 public:
  // A unix socket that nobody listens on any more is replaced; any other file is an error.
  static Parsed<TunnelListener> open(const ListenAddress& place);
  TunnelListener(TunnelListener&&) noexcept = default;
  TunnelListener& operator=(TunnelListener&&) = delete;
  ~TunnelListener();

  // With the port that was chosen.
  const ListenAddress& place() const { return place_; }
  // Readable when a connection waits.
  int fd() const { return socket_.get(); }
  // One connection, blocking; -1 when it is gone already.
  Parsed<Descriptor> accept() const;

 private:
  TunnelListener(ListenAddress place, Descriptor socket)
      : place_(std::move(place)), socket_(std::move(socket)) {}
  static Parsed<TunnelListener> open_port(const ListenAddress& place);
  static Parsed<TunnelListener> open_path(const ListenAddress& place);

  ListenAddress place_;
  Descriptor socket_;
  std::optional<std::pair<dev_t, ino_t>> file_;  // ours, of the unix socket
};

}  // namespace boxlite::cli
