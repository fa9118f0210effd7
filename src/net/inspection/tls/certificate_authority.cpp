// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/tls/certificate_authority.h"

#include <array>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/scope_exit.h"

namespace boxlite::net {
namespace {

constexpr std::size_t file_limit = 64u << 10;
constexpr std::size_t longest_common_name = 64;
// The guest's clock may be behind ours.
constexpr std::chrono::days backdating{1};

Result<void> failed_to_sign() {
  return fail(openssl_error(ErrorCode::internal, "make certificate"));
}

time_t to_seconds(Timestamp time) {
  return static_cast<time_t>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

// Random, so that two certificates of one authority never share it.
bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes;
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, and of full length
  const std::unique_ptr<BIGNUM, detail::FreeWith<BN_free>> number(
      BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_common_name(X509* certificate, std::string_view text) {
  return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, detail::FreeWith<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool begin_certificate(X509* certificate, EVP_PKEY* key, Timestamp from, Timestamp until) {
  return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
         ASN1_TIME_set(X509_getm_notBefore(certificate), to_seconds(from)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), to_seconds(until)) != nullptr &&
         X509_set_pubkey(certificate, key) == 1;
}

}  // namespace

Result<KeyPtr> make_key() {
  KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return fail(openssl_error(ErrorCode::internal, "make key"));
  return key;
}

Result<CertificateAuthority> CertificateAuthority::create(Timestamp time) {
  return create_with(BOXLITE_TRY(make_key()), time);
}

Result<CertificateAuthority> CertificateAuthority::create_with(KeyPtr key, Timestamp time) {
  Identity identity{CertificatePtr(X509_new()), std::move(key)};
  auto* const certificate = identity.certificate.get();
  if (certificate == nullptr ||
      !begin_certificate(certificate, identity.key.get(), time - backdating, time + lifetime) ||
      !set_common_name(certificate, common_name) ||
      X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) != 1 ||
      !add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign") ||
      !add_extension(certificate, certificate, NID_subject_key_identifier, "hash") ||
      X509_sign(certificate, identity.key.get(), EVP_sha256()) == 0) {
    BOXLITE_TRY(failed_to_sign());
  }
  return CertificateAuthority(std::move(identity));
}

Result<CertificateAuthority> CertificateAuthority::open(const std::filesystem::path& file, Timestamp time) {
  auto text = read_file(file, file_limit);
  const ScopeExit wipe([&] {
    if (text) OPENSSL_cleanse(text->data(), text->size());
  });
  auto kept = text ? parse(*text) : Result<CertificateAuthority>(std::unexpected(text.error()));
  if (kept && !kept->needs_renewal(time)) return kept;
  auto made = BOXLITE_TRY(kept ? create_with(std::move(kept->identity_.key), time) : create(time));
  auto pem = BOXLITE_TRY(made.pem());
  const ScopeExit wipe_pem([&] { OPENSSL_cleanse(pem.data(), pem.size()); });
  BOXLITE_TRY_CONTEXT("keep certificate authority", write_file_atomic(file, pem, 0600));
  return made;
}

Result<CertificateAuthority> CertificateAuthority::parse(std::string_view pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Identity identity;
  if (bio) identity.key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (identity.key) identity.certificate.reset(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!identity.certificate || X509_check_private_key(identity.certificate.get(), identity.key.get()) != 1 ||
      X509_check_ca(identity.certificate.get()) != 1) {
    return fail(openssl_error(ErrorCode::corrupted, "read certificate authority"));
  }
  return CertificateAuthority(std::move(identity));
}

bool CertificateAuthority::needs_renewal(Timestamp time) const {
  time_t limit = to_seconds(time + renewal);
  time_t begin = to_seconds(time);
  return X509_cmp_time(X509_get0_notAfter(identity_.certificate.get()), &limit) <= 0 ||
         X509_cmp_time(X509_get0_notBefore(identity_.certificate.get()), &begin) >= 0;
}

std::string CertificateAuthority::certificate_pem() const {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), identity_.certificate.get()) != 1) return {};
  const char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

Result<std::string> CertificateAuthority::pem() const {
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (!bio ||
      PEM_write_bio_PrivateKey(bio.get(), identity_.key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return fail(openssl_error(ErrorCode::internal, "write certificate authority"));
  }
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return concat(std::string_view(text, static_cast<std::size_t>(size)), certificate_pem());
}

Result<CertificatePtr> CertificateAuthority::sign(std::string_view host, EVP_PKEY* key,
                                                  Timestamp time) const {
  CertificatePtr leaf(X509_new());
  auto* const issuer = identity_.certificate.get();
  // Some readers show the common name; it has no room for long names, and then the other one is all that
  // counts.
  const bool has_common_name = host.size() <= longest_common_name;
  if (!leaf || !begin_certificate(leaf.get(), key, time - backdating, time + leaf_lifetime) ||
      (has_common_name && !set_common_name(leaf.get(), host)) ||
      X509_set_issuer_name(leaf.get(), X509_get_subject_name(issuer)) != 1 ||
      !add_extension(leaf.get(), issuer, NID_subject_alt_name,
                     concat(has_common_name ? "" : "critical,", "DNS:", host)) ||
      !add_extension(leaf.get(), issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(leaf.get(), issuer, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(leaf.get(), issuer, NID_ext_key_usage, "serverAuth") ||
      !add_extension(leaf.get(), issuer, NID_authority_key_identifier, "keyid") ||
      X509_sign(leaf.get(), identity_.key.get(), EVP_sha256()) == 0) {
    BOXLITE_TRY(failed_to_sign());
  }
  return leaf;
}

}  // namespace boxlite::net
