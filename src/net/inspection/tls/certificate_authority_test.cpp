// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/tls/certificate_authority.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "base/files.h"
#include "net/inspection/tls/leaf_certificates.h"

namespace boxlite::net {
namespace {

CertificatePtr read_certificate(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return CertificatePtr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

// What a client in the box would say.
int verify(X509* authority, X509* leaf, const char* host) {
  X509_STORE* const store = X509_STORE_new();
  X509_STORE_add_cert(store, authority);
  X509_STORE_CTX* const context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, leaf, nullptr);
  X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(context), host, 0);
  X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
  X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT);
  X509_verify_cert(context);
  const int verdict = X509_STORE_CTX_get_error(context);
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return verdict;
}

class CertificateAuthorityTest : public ::testing::Test {
 protected:
  TempDir dir_ = *TempDir::create("/tmp", "ca-test-");
  std::filesystem::path file_ = dir_.path() / "ca.pem";
};

TEST_F(CertificateAuthorityTest, SignsWhatAStrictClientAccepts) {
  const auto authority = *CertificateAuthority::create(now());
  const auto root = read_certificate(authority.certificate_pem());
  const auto key = *make_key();
  for (const std::string& host :
       {std::string("api.example.com"), std::string(60, 'a') + "." + std::string(60, 'b') + ".test"}) {
    const auto leaf = *authority.sign(host, key.get(), now());
    EXPECT_EQ(verify(root.get(), leaf.get(), host.c_str()), X509_V_OK) << host;
    EXPECT_EQ(verify(root.get(), leaf.get(), "other.test"), X509_V_ERR_HOSTNAME_MISMATCH);
  }
}

TEST_F(CertificateAuthorityTest, IsTheSameAfterAStartAndPrivate) {
  const auto first = CertificateAuthority::open(file_, now())->certificate_pem();
  EXPECT_EQ(CertificateAuthority::open(file_, now())->certificate_pem(), first);
  struct stat status{};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST_F(CertificateAuthorityTest, IsRenewedWithItsKeyBeforeItExpires) {
  const auto begin = now();
  const auto first = read_certificate(CertificateAuthority::open(file_, begin)->certificate_pem());
  const auto almost = begin + CertificateAuthority::lifetime - CertificateAuthority::renewal;
  for (const auto time : {almost + std::chrono::days(1), begin - std::chrono::days(100)}) {
    const auto second = read_certificate(CertificateAuthority::open(file_, time)->certificate_pem());
    EXPECT_NE(X509_cmp(first.get(), second.get()), 0);
    EXPECT_EQ(EVP_PKEY_eq(X509_get0_pubkey(first.get()), X509_get0_pubkey(second.get())), 1);
  }
}

TEST_F(CertificateAuthorityTest, ADamagedFileIsReplaced) {
  const auto first = CertificateAuthority::open(file_, now())->certificate_pem();
  for (const std::string_view damage :
       {"", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}) {
    ASSERT_TRUE(write_file_atomic(file_, damage));
    const auto again = CertificateAuthority::open(file_, now());
    ASSERT_TRUE(again);
    EXPECT_NE(again->certificate_pem(), first);
  }
}

TEST_F(CertificateAuthorityTest, LeavesAreKeptWithinABound) {
  auto leaves = *LeafCertificates::create(*CertificateAuthority::create(now()), 2);
  const auto time = now();
  const auto serial = [&](const std::string& host, Timestamp at) {
    return ASN1_INTEGER_get(X509_get0_serialNumber(*leaves.find_or_make(host, at)));
  };
  X509* const a = *leaves.find_or_make("a.test", time);
  EXPECT_EQ(*leaves.find_or_make("a.test", time), a);
  (void)serial("b.test", time);
  EXPECT_EQ(*leaves.find_or_make("a.test", time), a);
  (void)serial("c.test", time);  // b goes
  EXPECT_EQ(leaves.size(), 2u);
  EXPECT_EQ(*leaves.find_or_make("a.test", time), a);
  const auto later = time + CertificateAuthority::leaf_lifetime;
  const auto root = read_certificate(leaves.authority().certificate_pem());
  EXPECT_EQ(X509_cmp_time(X509_get0_notAfter(*leaves.find_or_make("a.test", later)), nullptr), 1);
}

}  // namespace
}  // namespace boxlite::net
