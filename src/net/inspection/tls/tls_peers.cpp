// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/tls/tls_peers.h"

#include <algorithm>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/concat.h"

namespace boxlite::net {
namespace {

Result<TlsContextPtr> make_context(const SSL_METHOD* method) {
  TlsContextPtr context(SSL_CTX_new(method));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
    return fail(openssl_error(ErrorCode::internal, "set up TLS"));
  }
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Buffers of idle connections are given back; they held a secret.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

Result<void> trust(SSL_CTX& context, std::string_view authorities) {
  const BioPtr text(BIO_new_mem_buf(authorities.data(), static_cast<int>(authorities.size())));
  while (text && BIO_ctrl_pending(text.get()) > 0) {
    const CertificatePtr certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
    if (!certificate || X509_STORE_add_cert(SSL_CTX_get_cert_store(&context), certificate.get()) != 1)
      return fail(openssl_error(ErrorCode::invalid_argument, "trust the certificates of secret authorities"));
  }
  return {};
}

// The one protocol that TlsServer::begin was given; the client offered it, or we would not choose it.
int choose_protocol(SSL* tls, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  const auto* wanted = static_cast<const std::string_view*>(SSL_get_app_data(tls));
  for (unsigned at = 0; at < offered_size; at += 1u + offered[at]) {
    const std::string_view name(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    if (wanted == nullptr || name != *wanted) continue;
    *out = offered + at + 1;
    *out_size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

// What the macro SSL_set_tlsext_host_name does, without its cast.
bool set_server_name(SSL* tls, const std::string& host) {
  return SSL_ctrl(tls, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                  const_cast<char*>(host.c_str())) == 1;
}

// In the form of RFC 7301.
std::string protocol_list(const std::vector<std::string>& offered) {
  std::string list;
  for (const auto known : {http2_protocol, http1_protocol}) {
    if (std::ranges::find(offered, known) != offered.end())
      list += concat(static_cast<char>(known.size()), known);
  }
  return list;
}

}  // namespace

Result<TlsClient> TlsClient::create(std::string_view extra_authorities) {
  auto context = BOXLITE_TRY(make_context(TLS_client_method()));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
    return fail(openssl_error(ErrorCode::internal, "load the system's trusted certificates"));
  }
  BOXLITE_TRY(trust(*context, extra_authorities));
  return TlsClient(std::move(context));
}

Result<TlsPtr> TlsClient::begin(const std::string& host, const std::vector<std::string>& offered) const {
  TlsPtr tls(SSL_new(context_.get()));
  const auto protocols = protocol_list(offered);
  if (!tls || SSL_set1_host(tls.get(), host.c_str()) != 1 || !set_server_name(tls.get(), host) ||
      (!protocols.empty() &&
       SSL_set_alpn_protos(tls.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                           static_cast<unsigned>(protocols.size())) != 0)) {
    return fail(openssl_error(ErrorCode::internal, "begin TLS"));
  }
  SSL_set_hostflags(tls.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  SSL_set_connect_state(tls.get());
  return tls;
}

Result<TlsServer> TlsServer::create(CertificateAuthority authority) {
  auto context = BOXLITE_TRY(make_context(TLS_server_method()));
  // Tickets would be bound to this process; a full handshake with a P-256 key is cheap.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_num_tickets(context.get(), 0);
  // Between the guest and us are pages of this host. So simple clients may be let in: busybox offers no
  // signature but the SHA-1 of old.
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  return TlsServer(std::move(context), BOXLITE_TRY(LeafCertificates::create(std::move(authority))));
}

Result<TlsPtr> TlsServer::begin(const std::string& host, std::string_view protocol, Timestamp time) {
  auto* const certificate = BOXLITE_TRY(leaves_.find_or_make(host, time));
  TlsPtr tls(SSL_new(context_.get()));
  if (!tls || SSL_use_certificate(tls.get(), certificate) != 1 ||
      SSL_use_PrivateKey(tls.get(), leaves_.key()) != 1) {
    return fail(openssl_error(ErrorCode::internal, "begin TLS"));
  }
  const auto* chosen = protocol == http2_protocol   ? &http2_protocol
                       : protocol == http1_protocol ? &http1_protocol
                                                    : nullptr;
  SSL_set_app_data(tls.get(), const_cast<std::string_view*>(chosen));
  SSL_set_accept_state(tls.get());
  return tls;
}

}  // namespace boxlite::net
