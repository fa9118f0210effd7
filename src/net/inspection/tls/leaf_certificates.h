// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "net/inspection/tls/certificate_authority.h"

namespace boxlite::net {

// The certificates that we show to the guest, made when first asked for. Bounded: the one that was not asked
// for longest goes. One thread.
class LeafCertificates {
 public:
  static constexpr std::size_t default_capacity = 256;

  static Result<LeafCertificates> create(CertificateAuthority authority,
                                         std::size_t capacity = default_capacity);

  const CertificateAuthority& authority() const { return authority_; }
  // The key of all of them.
  EVP_PKEY* key() const { return key_.get(); }
  // `host` is a name as ClientHello gives it: nothing else may get into a certificate. Valid until the next
  // call.
  Result<X509*> find_or_make(const std::string& host, Timestamp time);
  std::size_t size() const { return leaves_.size(); }

 private:
  struct Leaf {
    std::string host;
    CertificatePtr certificate;
    Timestamp renew_at;
  };
  LeafCertificates(CertificateAuthority authority, KeyPtr key, std::size_t capacity)
      : authority_(std::move(authority)), key_(std::move(key)), capacity_(capacity) {}
  void drop(std::list<Leaf>::iterator leaf);

  CertificateAuthority authority_;
  KeyPtr key_;
  std::size_t capacity_;
  std::list<Leaf> leaves_;  // the latest first
  std::unordered_map<std::string, std::list<Leaf>::iterator> by_host_;
};

}  // namespace boxlite::net
