// SPDX-License-Identifier: Apache-2.0
// Servers that behave in ways docker-registry cannot be made to: redirects, rate limits, wrong ranges, lies.
#include <atomic>
#include <csignal>
#include <functional>
#include <mutex>

#include "image/registry/http_client.h"
#include "loopback_server.h"
#include "registry_fixture.h"

namespace boxlite::test {
namespace {

std::string answer(std::string_view status, std::string_view body, std::string_view headers = {}) {
  return concat("HTTP/1.1 ", status, "\r\nContent-Length: ", body.size(), "\r\nConnection: close\r\n",
                headers, "\r\n", body);
}

// Answers each request by a function of its text, and keeps the requests.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::function<std::string(const std::string&)> script)
      : script_(std::move(script)), server_([this](int connection_fd, int stop_fd) {
          const auto request = read_request(connection_fd, stop_fd);
          if (request.empty()) return;
          {
            const std::lock_guard guard(mutex_);
            requests_.push_back(request);
          }
          (void)write_all(connection_fd, script_(request), "scripted answer");
        }) {
    // A client that has heard enough of a lie is gone before its end.
    std::signal(SIGPIPE, SIG_IGN);
  }

  std::string address() const { return server_.address(); }
  std::string url(std::string_view path) const { return concat("http://", address(), path); }
  std::vector<std::string> requests() const {
    const std::lock_guard guard(mutex_);
    return requests_;
  }

 private:
  std::function<std::string(const std::string&)> script_;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  LoopbackServer server_;
};

class ScriptedServerTest : public RegistryFixture {
 protected:
  static image::RegistryConfig plain(const ScriptedServer& server) {
    return {.host = server.address(), .transport = image::Transport::http};
  }
  // A registry with one image, in which `change` may replace the answer to a request.
  static std::string serve(const sample::SampleImage& image, const std::string& request) {
    if (request.find("/manifests/") != std::string::npos) {
      return answer("200 OK", image.manifest_json,
                    concat("Content-Type: ", oci::media_type::manifest, "\r\n"));
    }
    for (const auto& [path, content] : sample::blob_files(image)) {
      if (request.find(path.substr(path.rfind('/') + 1)) != std::string::npos)
        return answer("200 OK", content);
    }
    return answer("404 Not Found", "");
  }
};

bool has(const std::string& request, std::string_view text) {
  return request.find(text) != std::string::npos;
}

TEST_F(ScriptedServerTest, RedirectsKeepTheAuthorizationOnlyOnTheSameServer) {
  const ScriptedServer other([](const std::string&) { return answer("200 OK", "done"); });
  const ScriptedServer first([&](const std::string& request) {
    if (has(request, "GET /a ")) return answer("307 Temporary Redirect", "", "Location: /b\r\n");
    return answer("302 Found", "", concat("Location: ", other.url("/c"), "\r\n"));
  });
  image::HttpClient http({});
  const auto response = http.send({.url = first.url("/a"), .authorization = "Bearer secret"});
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->body, "done");
  ASSERT_EQ(first.requests().size(), 2u);
  EXPECT_TRUE(has(first.requests()[1], "Authorization: Bearer secret"));
  ASSERT_EQ(other.requests().size(), 1u);
  EXPECT_FALSE(has(other.requests()[0], "secret"));
}

TEST_F(ScriptedServerTest, EndlessRedirectsAndOtherSchemesEnd) {
  const ScriptedServer circle([](const std::string&) { return answer("302 Found", "", "Location: /\r\n"); });
  const ScriptedServer file(
      [](const std::string&) { return answer("302 Found", "", "Location: file:///etc/passwd\r\n"); });
  image::HttpClient http({});
  EXPECT_FALSE(http.send({.url = circle.url("/")}));
  const auto response = http.send({.url = file.url("/")});
  EXPECT_FALSE(response && response->is_success());
}

TEST_F(ScriptedServerTest, WaitsWhenAskedToAndTriesAgain) {
  const auto sample = big_image(1000);
  std::atomic<int> refusals = 2;
  const ScriptedServer server([&](const std::string& request) {
    if (refusals-- > 0) return answer("429 Too Many Requests", "", "Retry-After: 0\r\n");
    return serve(sample, request);
  });
  const auto pulled = store({plain(server)}).pull(concat(server.address(), "/x:1"), {});
  EXPECT_TRUE(pulled) << pulled.error().message();
}

// A foreign layer comes from where the manifest says, without the registry's credentials, and is verified.
TEST_F(ScriptedServerTest, ForeignLayersComeFromTheirAddresses) {
  auto sample = big_image(1000);
  const auto layer = sample.layers[1].stored;
  std::string served = layer;
  const ScriptedServer elsewhere([&](const std::string&) { return answer("200 OK", served); });
  sample.manifest.layers[1].media_type = std::string(oci::media_type::foreign_gzip);
  sample.manifest.layers[1].urls = {"ftp://example.com/layer", elsewhere.url("/layer")};
  sample.manifest_json = oci::to_json(sample.manifest);
  const auto name = oci::Digest::of(layer).hex();
  const ScriptedServer server([&](const std::string& request) {
    return has(request, name) ? answer("404 Not Found", "") : serve(sample, request);
  });
  auto config = plain(server);
  config.auth = {.kind = image::RegistryAuth::Kind::bearer, .token = "secret"};
  const auto images = store({config});
  const auto pulled = images.pull(concat(server.address(), "/x:1"), {});
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(*read_file(images.blob_path(oci::Digest::of(layer))), layer);
  EXPECT_EQ(pulled->layers[1].media_type, oci::media_type::layer_gzip);
  ASSERT_EQ(elsewhere.requests().size(), 1u);
  EXPECT_FALSE(has(elsewhere.requests()[0], "secret"));

  served.back() = static_cast<char>(served.back() ^ 1);
  const auto wrong = store({config}, "wrong").pull(concat(server.address(), "/x:1"), {});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), ErrorCode::corrupted);
  // Of a registry that is spoken to over https, addresses are https as well.
  sample.manifest.layers[1].urls = {"ftp://example.com/layer"};
  sample.manifest_json = oci::to_json(sample.manifest);
  const auto refused = store({config}, "refused").pull(concat(server.address(), "/x:1"), {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("ftp://example.com/layer"), std::string::npos)
      << refused.error().message();
}

TEST_F(ScriptedServerTest, TellsThatALimitStays) {
  const ScriptedServer server([](const std::string&) { return answer("429 Too Many Requests", ""); });
  const auto pulled = store({plain(server)}).pull(concat(server.address(), "/x:1"), {});
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code(), ErrorCode::unavailable);
  EXPECT_NE(pulled.error().message().find("too many requests"), std::string::npos)
      << pulled.error().message();
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST_F(ScriptedServerTest, ServersWithoutRangesAndWithWrongRangesAreSurvived) {
  const auto sample = big_image(200'000);
  const auto blob = sample.layers[1].stored;
  const auto name = oci::Digest::of(blob).hex();
  for (const bool wrong_range : {false, true}) {
    std::atomic<int> cuts = 1;
    const ScriptedServer server([&](const std::string& request) {
      if (!has(request, name)) return serve(sample, request);
      if (cuts-- > 0) return answer("200 OK", blob).substr(0, 100'000);
      if (wrong_range && cuts > -2)
        return answer("206 Partial Content", blob, "Content-Range: bytes 0-1/2\r\n");
      return answer("200 OK", blob);
    });
    const auto images = store({plain(server)}, wrong_range ? "wrong" : "none");
    const auto pulled = images.pull(concat(server.address(), "/x:1"), {});
    ASSERT_TRUE(pulled) << pulled.error().message();
    EXPECT_EQ(*read_file(images.blob_path(oci::Digest::of(blob))), blob);
  }
}

TEST_F(ScriptedServerTest, LiesAreNotStored) {
  const auto sample = big_image(1000);
  const auto config_name = oci::Digest::of(sample.config).hex();
  const ScriptedServer endless([&](const std::string& request) {
    return has(request, "/blobs/") ? answer("200 OK", std::string(1u << 20, 'x')) : serve(sample, request);
  });
  const auto too_much = store({plain(endless)}).pull(concat(endless.address(), "/x:1"), {});
  ASSERT_FALSE(too_much);
  EXPECT_EQ(too_much.error().code(), ErrorCode::corrupted) << too_much.error().message();

  const ScriptedServer other_manifest([&](const std::string& request) { return serve(sample, request); });
  const auto pin = concat(other_manifest.address(), "/x@", oci::Digest::of("promised").str());
  const auto lie = store({plain(other_manifest)}).pull(pin, {});
  ASSERT_FALSE(lie);
  EXPECT_EQ(lie.error().code(), ErrorCode::corrupted);
  EXPECT_NE(lie.error().message().find(oci::Digest::of("promised").str()), std::string::npos)
      << lie.error().message();

  const ScriptedServer huge_manifest(
      [](const std::string&) { return answer("200 OK", std::string(5u << 20, ' ')); });
  EXPECT_EQ(store({plain(huge_manifest)}).pull(concat(huge_manifest.address(), "/x:1"), {}).error().code(),
            ErrorCode::corrupted);
  EXPECT_TRUE(store().list()->empty());
}

TEST_F(ScriptedServerTest, CredentialsDoNotGoToATokenServerByALesserScheme) {
  const ScriptedServer server([](const std::string&) {
    return answer("401 Unauthorized", "",
                  "WWW-Authenticate: Bearer realm=\"ftp://127.0.0.1/token\",service=\"x\"\r\n");
  });
  const auto pulled = store({plain(server)}).pull(concat(server.address(), "/x:1"), {});
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code(), ErrorCode::permission_denied) << pulled.error().message();
}

TEST_F(ScriptedServerTest, AnIdentityTokenIsExchanged) {
  const auto sample = big_image(1000);
  const ScriptedServer tokens([](const std::string& request) {
    const bool is_exchange = has(request, "POST /token");
    return answer(is_exchange ? "200 OK" : "400 Bad Request", R"({"access_token":"fresh"})");
  });
  const ScriptedServer server([&](const std::string& request) {
    if (has(request, "Authorization: Bearer fresh")) return serve(sample, request);
    return answer("401 Unauthorized", "",
                  concat("WWW-Authenticate: Bearer realm=\"", tokens.url("/token"), "\",service=\"x\"\r\n"));
  });
  sample::write_files(
      path(".docker"),
      {{"config.json", concat(R"({"auths":{")", server.address(), R"(":{"identitytoken":"idt"}}})")}});
  const auto pulled = store({plain(server)}).pull(concat(server.address(), "/x:1"), {});
  ASSERT_TRUE(pulled) << pulled.error().message();
}

}  // namespace
}  // namespace boxlite::test
