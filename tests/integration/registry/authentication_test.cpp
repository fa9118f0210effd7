// SPDX-License-Identifier: Apache-2.0
// Registries that ask who we are: htpasswd and token servers, credentials from options, files and helpers.
#include <fstream>

#include <sys/stat.h>

#include "image/registry/credentials.h"
#include "registry_fixture.h"
#include "token_server.h"

namespace boxlite::test {
namespace {

constexpr const char* user = "alice";
constexpr const char* password = "open:sesame";

class AuthenticationTest : public RegistryFixture {
 protected:
  std::string basic_yaml() const {
    std::filesystem::create_directories(path("auth"));
    std::ofstream(path("auth/htpasswd")) << run("htpasswd", {"-Bbn", user, password});
    return concat("auth:\n  htpasswd:\n    realm: test\n    path: ", path("auth/htpasswd").native(), "\n");
  }
  void push_with_login(const std::string& target) const {
    push(layout(big_image(100'000)), "it", target, {"--dest-creds", concat(user, ":", password)});
  }
  static image::RegistryConfig with_password(const std::string& host, const std::string& word) {
    return {.host = host,
            .auth = {.kind = image::RegistryAuth::Kind::basic, .username = user, .password = word}};
  }
  void write_docker_config(const std::string& text) const {
    std::filesystem::create_directories(path(".docker"));
    std::ofstream(path(".docker/config.json")) << text;
  }
};

TEST_F(AuthenticationTest, LogsInWithAPassword) {
  const RegistryServer server(path("registry"), basic_yaml());
  const auto name = concat(server.address(), "/private:1");
  push_with_login(name);
  EXPECT_TRUE(store({with_password(server.address(), password)}).pull(name, {}));

  const auto anonymous = store({}, "a").pull(name, {});
  ASSERT_FALSE(anonymous);
  EXPECT_EQ(anonymous.error().code(), ErrorCode::permission_denied);
  EXPECT_NE(anonymous.error().remedy().find(concat("docker login ", server.address())), std::string::npos);
  const auto wrong = store({with_password(server.address(), "guess")}, "b").pull(name, {});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), ErrorCode::permission_denied) << wrong.error().message();
  EXPECT_NE(wrong.error().message().find("credentials were refused"), std::string::npos)
      << wrong.error().message();
  EXPECT_EQ(wrong.error().message().find("guess"), std::string::npos) << "a password is in a message";
}

TEST_F(AuthenticationTest, ReadsDockersConfigFile) {
  const RegistryServer server(path("registry"), basic_yaml());
  const auto name = concat(server.address(), "/private:1");
  push_with_login(name);
  write_docker_config(concat(R"({"auths":{"https://)", server.address(), R"(/v1/":{"auth":")",
                             image::encode_base64(concat(user, ":", password)), R"("}}})"));
  const auto pulled = store().pull(name, {});
  EXPECT_TRUE(pulled) << pulled.error().message();
}

TEST_F(AuthenticationTest, AsksACredentialHelper) {
  const RegistryServer server(path("registry"), basic_yaml());
  const auto name = concat(server.address(), "/private:1");
  push_with_login(name);
  std::filesystem::create_directories(path("bin"));
  std::ofstream(path("bin/docker-credential-test"))
      << "#!/bin/sh\nread -r server\n[ \"$1\" = get ] && [ \"$server\" = " << server.address()
      << " ] || exit 3\n"
      << "echo '{\"ServerURL\":\"'$server'\",\"Username\":\"" << user << "\",\"Secret\":\"" << password
      << "\"}'\n";
  ::chmod(path("bin/docker-credential-test").c_str(), 0755);
  const std::string old_path = ::getenv("PATH");
  ::setenv("PATH", concat(path("bin").native(), ":", old_path).c_str(), 1);
  write_docker_config(concat(R"({"credHelpers":{")", server.address(), R"(":"test"}})"));
  const auto pulled = store().pull(name, {});
  EXPECT_TRUE(pulled) << pulled.error().message();

  write_docker_config(R"({"credsStore":"gone"})");
  const auto without = store({}, "other").pull(name, {});
  ::setenv("PATH", old_path.c_str(), 1);
  ASSERT_FALSE(without);
  EXPECT_NE(without.error().message().find("docker-credential-gone"), std::string::npos)
      << without.error().message();
}

TEST_F(AuthenticationTest, GetsTokensFromATokenServer) {
  const TokenServer tokens(path("tokens"), user, password);
  const RegistryServer server(path("registry"), tokens.registry_yaml());
  const auto name = concat(server.address(), "/team/private:1");
  push_with_login(name);
  const int before = tokens.tokens_given();
  const auto pulled = store({with_password(server.address(), password)}).pull(name, {});
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(tokens.tokens_given(), before + 1) << "one token serves the manifest and all blobs";

  const auto wrong = store({with_password(server.address(), "guess")}, "other").pull(name, {});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), ErrorCode::permission_denied);
  EXPECT_NE(wrong.error().message().find("incorrect username or password"), std::string::npos)
      << wrong.error().message();
}

TEST_F(AuthenticationTest, GetsAnonymousTokens) {
  const TokenServer tokens(path("tokens"), "", "");
  const RegistryServer server(path("registry"), tokens.registry_yaml());
  const auto name = concat(server.address(), "/public:1");
  push_with_login(name);
  const auto pulled = store().pull(name, {});
  EXPECT_TRUE(pulled) << pulled.error().message();
}

}  // namespace
}  // namespace boxlite::test
