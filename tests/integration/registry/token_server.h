// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>
#include <string>

#include "loopback_server.h"

namespace boxlite::test {

// The token server of the distribution specification: signs real JSON web tokens that docker-registry
// verifies. Gives tokens to anonymous clients only without `user`.
class TokenServer {
 public:
  // Writes key.pem and certificate.pem into `directory`.
  TokenServer(const std::filesystem::path& directory, const std::string& user, const std::string& password);

  int port() const { return server_.port(); }
  // The "auth:" part of the registry's configuration.
  std::string registry_yaml() const;
  int tokens_given() const { return tokens_given_; }

 private:
  void serve(int connection_fd, int stop_fd);
  std::string token(const std::string& scope) const;

  std::filesystem::path directory_;
  std::string expected_authorization_;
  std::string certificate_base64_;
  std::atomic<int> tokens_given_ = 0;
  LoopbackServer server_;
};

}  // namespace boxlite::test
