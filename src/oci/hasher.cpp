// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include <openssl/evp.h>

#include "base/hex.h"
#include "oci/digest.h"

namespace boxlite::oci {
namespace {

const EVP_MD* method(DigestAlgorithm algorithm) {
  return algorithm == DigestAlgorithm::sha256 ? EVP_sha256() : EVP_sha512();
}

// OpenSSL fails here only without memory or with a broken installation: there is no way on.
void require(bool succeeded) {
  if (!succeeded) std::abort();
}

}  // namespace

struct Hasher::Context {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> state{EVP_MD_CTX_new()};
};

Hasher::Hasher(DigestAlgorithm algorithm) : algorithm_(algorithm), context_(std::make_unique<Context>()) {
  reset();
}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::reset() {
  require(context_->state != nullptr);
  require(EVP_DigestInit_ex(context_->state.get(), method(algorithm_), nullptr) == 1);
}

void Hasher::update(std::string_view bytes) {
  require(EVP_DigestUpdate(context_->state.get(), bytes.data(), bytes.size()) == 1);
}

Digest Hasher::finish() {
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  require(EVP_DigestFinal_ex(context_->state.get(), raw, &size) == 1);
  return Digest(algorithm_, to_hex({reinterpret_cast<const char*>(raw), size}));
}

}  // namespace boxlite::oci
