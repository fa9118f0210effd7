// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "net/inspection/tls/openssl_types.h"

namespace boxlite::net {

// A certificate with its key.
struct Identity {
  CertificatePtr certificate;
  KeyPtr key;
};

// The authority of one box, which only that box trusts: signs for the hosts whose connections we end.
class CertificateAuthority {
 public:
  static constexpr std::chrono::days lifetime{3650};
  static constexpr std::chrono::days renewal{30};  // renewed when less is left
  static constexpr std::chrono::days leaf_lifetime{30};
  static constexpr std::string_view common_name = "BoxLite box CA";

  static Result<CertificateAuthority> create(Timestamp time);
  // Kept in a file of mode 0600, so that a box trusts the same one after each start. One that is about to
  // expire, or has, is renewed with its key; one that cannot be read as what it should be is replaced.
  static Result<CertificateAuthority> open(const std::filesystem::path& file, Timestamp time);

  // For the box's trust stores.
  std::string certificate_pem() const;
  // `key` is shared by the leaves: it is as secret as each of them.
  Result<CertificatePtr> sign(std::string_view host, EVP_PKEY* key, Timestamp time) const;

 private:
  explicit CertificateAuthority(Identity identity) : identity_(std::move(identity)) {}
  static Result<CertificateAuthority> create_with(KeyPtr key, Timestamp time);
  static Result<CertificateAuthority> parse(std::string_view pem);
  bool needs_renewal(Timestamp time) const;
  Result<std::string> pem() const;

  Identity identity_;
};

// ECDSA on P-256.
Result<KeyPtr> make_key();

}  // namespace boxlite::net
