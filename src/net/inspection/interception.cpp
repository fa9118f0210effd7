// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/interception.h"

namespace boxlite::net {

Result<std::unique_ptr<Interception>> Interception::create(netpolicy::SecretSet secrets, const Trust& trust) {
  auto client = BOXLITE_TRY(TlsClient::create(trust.extra_authorities));
  auto authority = BOXLITE_TRY(CertificateAuthority::open(trust.authority, now()));
  auto server = BOXLITE_TRY(TlsServer::create(std::move(authority)));
  return std::unique_ptr<Interception>(
      new Interception(std::move(secrets), std::move(client), std::move(server)));
}

}  // namespace boxlite::net
