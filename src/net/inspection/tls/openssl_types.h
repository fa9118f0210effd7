// SPDX-License-Identifier: Apache-2.0
// Owners of OpenSSL's objects.
#pragma once

#include <memory>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/result.h"

namespace boxlite::net {

namespace detail {
template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
}  // namespace detail

using BioPtr = std::unique_ptr<BIO, detail::FreeWith<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, detail::FreeWith<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, detail::FreeWith<X509_free>>;
using TlsContextPtr = std::unique_ptr<SSL_CTX, detail::FreeWith<SSL_CTX_free>>;
using TlsPtr = std::unique_ptr<SSL, detail::FreeWith<SSL_free>>;

// What OpenSSL has just complained about, and clears it. `what` names the operation.
Error openssl_error(ErrorCode code, std::string_view what);

}  // namespace boxlite::net
