// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/tls/leaf_certificates.h"

namespace boxlite::net {

Result<LeafCertificates> LeafCertificates::create(CertificateAuthority authority, std::size_t capacity) {
  return LeafCertificates(std::move(authority), BOXLITE_TRY(make_key()), capacity);
}

Result<X509*> LeafCertificates::find_or_make(const std::string& host, Timestamp time) {
  if (const auto found = by_host_.find(host); found != by_host_.end()) {
    if (time < found->second->renew_at) {
      leaves_.splice(leaves_.begin(), leaves_, found->second);
      return leaves_.front().certificate.get();
    }
    drop(found->second);
  }
  auto certificate = BOXLITE_TRY(authority_.sign(host, key_.get(), time));
  if (leaves_.size() >= capacity_) drop(std::prev(leaves_.end()));
  leaves_.push_front({host, std::move(certificate), time + CertificateAuthority::leaf_lifetime / 2});
  by_host_.emplace(host, leaves_.begin());
  return leaves_.front().certificate.get();
}

void LeafCertificates::drop(std::list<Leaf>::iterator leaf) {
  by_host_.erase(leaf->host);
  leaves_.erase(leaf);
}

}  // namespace boxlite::net
