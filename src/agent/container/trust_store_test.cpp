// SPDX-License-Identifier: Apache-2.0
#include "agent/container/trust_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

namespace boxlite::agent {
namespace {

constexpr std::string_view ours = "-----BEGIN CERTIFICATE-----\nb3Vycw==\n-----END CERTIFICATE-----\n";
constexpr std::string_view theirs = "-----BEGIN CERTIFICATE-----\ndGhlaXJz\n-----END CERTIFICATE-----";

class TrustStoreTest : public ::testing::Test {
 protected:
  void put(const std::string& path, std::string_view content) const {
    std::filesystem::create_directories((root() / path).parent_path());
    ASSERT_TRUE(write_file_atomic(root() / path, content, 0644));
  }
  std::string get(const std::string& path) const { return read_file(root() / path).value_or("none"); }
  std::filesystem::path root() const { return dir_.path() / "root"; }
  std::string add() const {
    const auto root_fd = *open_file(root(), O_PATH | O_DIRECTORY);
    const auto bundle = add_to_trust_store(root_fd.get(), ours);
    EXPECT_TRUE(bundle) << bundle.error().message();
    return bundle.value_or("");
  }

  TempDir dir_ = *TempDir::create("/tmp", "trust-test-");
  bool made_ = std::filesystem::create_directory(root());
};

TEST_F(TrustStoreTest, AddsToWhatTheImageHasOnce) {
  put("etc/ssl/certs/ca-certificates.crt", theirs);
  put("etc/pki/tls/certs/ca-bundle.crt", "");
  const auto expected = std::string(theirs) + "\n" + std::string(ours);
  for (int start = 0; start < 3; ++start) {
    EXPECT_EQ(add(), "/etc/ssl/certs/ca-certificates.crt");
    EXPECT_EQ(get("etc/ssl/certs/ca-certificates.crt"), expected);
    EXPECT_EQ(get("etc/pki/tls/certs/ca-bundle.crt"), ours);
    EXPECT_EQ(get("etc/ssl/certs/boxlite-box-ca.pem"), ours);
  }
  EXPECT_FALSE(std::filesystem::exists(root() / "usr/local/share/ca-certificates"));
}

TEST_F(TrustStoreTest, AddsOfSeveralThoseThatAreMissing) {
  constexpr std::string_view one = "-----BEGIN CERTIFICATE-----\none\n-----END CERTIFICATE-----\n";
  constexpr std::string_view two = "-----BEGIN CERTIFICATE-----\ntwo\n-----END CERTIFICATE-----\n";
  put("etc/ssl/certs/ca-certificates.crt", one);
  const UniqueFd fd(::open(root().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (int start = 0; start < 2; ++start) {
    ASSERT_TRUE(add_to_trust_store(fd.get(), std::string(one) + std::string(two)));
    EXPECT_EQ(get("etc/ssl/certs/ca-certificates.crt"), std::string(one) + std::string(two));
  }
}

TEST_F(TrustStoreTest, MakesABundleWhereThereIsNone) {
  EXPECT_EQ(add(), "/etc/ssl/certs/ca-certificates.crt");
  EXPECT_EQ(get("etc/ssl/certs/ca-certificates.crt"), ours);
  EXPECT_EQ(get("usr/local/share/ca-certificates/boxlite-box-ca.crt"), ours);
}

TEST_F(TrustStoreTest, LeavesTheCertificateWhereTheImageMakesItsBundlesFrom) {
  put("etc/pki/tls/certs/ca-bundle.crt", theirs);
  std::filesystem::create_directories(root() / "etc/pki/ca-trust/source/anchors");
  EXPECT_EQ(add(), "/etc/pki/tls/certs/ca-bundle.crt");
  EXPECT_EQ(get("etc/pki/ca-trust/source/anchors/boxlite-box-ca.crt"), ours);
}

TEST_F(TrustStoreTest, NoSymlinkLeadsOutOfTheRoot) {
  ASSERT_TRUE(write_file_atomic(dir_.path() / "outside.crt", theirs));
  std::filesystem::create_directories(root() / "etc/ssl");
  std::filesystem::create_directories(root() / "etc/pki/tls");
  std::filesystem::create_symlink("../../../outside.crt", root() / "etc/ssl/cert.pem");
  std::filesystem::create_symlink(dir_.path(), root() / "etc/pki/tls/certs");
  add();
  EXPECT_EQ(*read_file(dir_.path() / "outside.crt"), theirs);
}

TEST_F(TrustStoreTest, TwoNamesOfOneFileGetItOnce) {
  put("etc/ssl/certs/ca-certificates.crt", theirs);
  std::filesystem::create_symlink("certs/ca-certificates.crt", root() / "etc/ssl/cert.pem");
  add();
  EXPECT_EQ(get("etc/ssl/certs/ca-certificates.crt"), std::string(theirs) + "\n" + std::string(ours));
}

TEST_F(TrustStoreTest, WhatIsNoFileIsLeftAlone) {
  std::filesystem::create_directories(root() / "etc/ssl/certs/ca-certificates.crt");
  put("etc/ssl/cert.pem", theirs);
  ASSERT_EQ(::mkfifo((root() / "etc/ssl/ca-bundle.pem").c_str(), 0600), 0);
  EXPECT_EQ(add(), "/etc/ssl/cert.pem");
}

TEST(TrustVariables, TheUsersOwnStay) {
  std::vector<std::string> env = {"PATH=/bin", "SSL_CERT_FILE=/mine.pem"};
  add_trust_variables("/bundle.crt", env);
  EXPECT_NE(std::ranges::find(env, "SSL_CERT_FILE=/mine.pem"), env.end());
  EXPECT_EQ(std::ranges::find(env, "SSL_CERT_FILE=/bundle.crt"), env.end());
  EXPECT_NE(std::ranges::find(env, "REQUESTS_CA_BUNDLE=/bundle.crt"), env.end());
  EXPECT_NE(std::ranges::find(env, "NODE_EXTRA_CA_CERTS=/etc/ssl/certs/boxlite-box-ca.pem"), env.end());
}

}  // namespace
}  // namespace boxlite::agent
