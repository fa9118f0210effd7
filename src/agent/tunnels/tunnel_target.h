// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "wire/messages.h"

namespace boxlite::agent {

// A service in the machine, and the socket that is on its way to it. Nothing here waits.
class TunnelTarget {
 public:
  // in_progress: the socket becomes writable, then finish(). full: the service has as many connections
  // waiting as it wants; connect() again later.
  enum class Step { connected, in_progress, full };

  // invalid_argument for a request that names nothing.
  static Result<TunnelTarget> create(const wire::msg::TunnelRequest& request);
  // One that has connected to us: a program that wants a socket of the host.
  static TunnelTarget adopt(UniqueFd connection);

  // `root_fd` is the container's "/". unavailable when nobody listens.
  Result<Step> connect(int root_fd);
  // What became of a connection in progress.
  Result<Step> finish(int root_fd);

  int socket() const { return socket_.get(); }
  // "port 80", "unix socket \"/run/db\"".
  const std::string& name() const { return name_; }
  void close() { socket_.reset(); }
  // The same, but the service sees a connection that broke instead of its end, where there is a difference.
  void abort();

 private:
  TunnelTarget(int port, std::string path);
  Result<Step> connect_to_port();
  Result<Step> connect_to_path(int root_fd);
  Result<Step> judge(int os_error, int root_fd);
  Error refusal(int os_error) const;

  int port_;
  std::string path_;
  std::string name_;
  bool is_second_try_ = false;  // at ::1
  UniqueFd socket_;
};

}  // namespace boxlite::agent
