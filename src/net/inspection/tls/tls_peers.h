// SPDX-License-Identifier: Apache-2.0
// Our two parts in an intercepted connection: the client of the real server, and the server of the guest.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/inspection/tls/leaf_certificates.h"
#include "net/inspection/tls/openssl_types.h"

namespace boxlite::net {

inline constexpr std::string_view http1_protocol = "http/1.1";
inline constexpr std::string_view http2_protocol = "h2";

// Verifies servers in full: chain, host name, time.
class TlsClient {
 public:
  // Trusts what the host's system trusts (the usual variables of OpenSSL count), and `extra_authorities`: any
  // number of certificates in PEM form.
  static Result<TlsClient> create(std::string_view extra_authorities = {});

  // For a connection to `host`, with the protocols of `offered` that we speak (none: no ALPN is sent).
  Result<TlsPtr> begin(const std::string& host, const std::vector<std::string>& offered) const;

 private:
  explicit TlsClient(TlsContextPtr context) : context_(std::move(context)) {}
  TlsContextPtr context_;
};

class TlsServer {
 public:
  static Result<TlsServer> create(CertificateAuthority authority);

  const CertificateAuthority& authority() const { return leaves_.authority(); }
  // For a guest that asked for `host`; it is told `protocol`: one of those above, or empty.
  Result<TlsPtr> begin(const std::string& host, std::string_view protocol, Timestamp time);

 private:
  TlsServer(TlsContextPtr context, LeafCertificates leaves)
      : context_(std::move(context)), leaves_(std::move(leaves)) {}
  TlsContextPtr context_;
  LeafCertificates leaves_;
};

}  // namespace boxlite::net
