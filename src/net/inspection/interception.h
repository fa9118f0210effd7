// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "net/inspection/tls/tls_peers.h"
#include "netpolicy/secret.h"

namespace boxlite::net {

// What it takes to put a box's secrets into its connections. One thread, the loop's.
class Interception {
 public:
  struct Trust {
    std::filesystem::path authority = {};  // the box's own; made when it is not there
    std::string extra_authorities = {};  // their PEM: trusted for servers besides the system's; may be empty
  };
  static Result<std::unique_ptr<Interception>> create(netpolicy::SecretSet secrets, const Trust& trust);

  const netpolicy::SecretSet& secrets() const { return secrets_; }
  const TlsClient& client() const { return client_; }
  TlsServer& server() { return server_; }
  // For the box's trust stores.
  std::string certificate_pem() const { return server_.authority().certificate_pem(); }

 private:
  Interception(netpolicy::SecretSet secrets, TlsClient client, TlsServer server)
      : secrets_(std::move(secrets)), client_(std::move(client)), server_(std::move(server)) {}

  netpolicy::SecretSet secrets_;
  TlsClient client_;
  TlsServer server_;
};

}  // namespace boxlite::net
