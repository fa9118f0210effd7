// SPDX-License-Identifier: Apache-2.0
#include "token_server.h"

#include <ctime>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/ids.h"
#include "image/registry/credentials.h"
#include "registry_server.h"

namespace boxlite::test {
namespace {

std::string make_certificate(const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  run("openssl",
      {"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=token server", "-days", "2", "-keyout",
       (directory / "key.pem").native(), "-out", (directory / "certificate.pem").native()});
  std::ifstream file(directory / "certificate.pem");
  std::string base64;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("-----")) base64 += line;
  }
  return base64;
}

std::string base64_url(std::string_view bytes) {
  auto text = image::encode_base64(bytes);
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  text.resize(std::min(text.find('='), text.size()));
  return text;
}

std::string sign(const std::filesystem::path& key_file, const std::string& text) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(key_file.c_str(), "r"), &std::fclose);
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(
      PEM_read_PrivateKey(file.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  unsigned char signature[1024];
  std::size_t size = sizeof signature;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (!key || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), signature, &size, bytes, text.size()) != 1) {
    throw std::runtime_error("sign token");
  }
  return {reinterpret_cast<const char*>(signature), size};
}

std::string query_value(const std::string& request, const std::string& name) {
  const auto line = request.substr(0, request.find("\r\n"));
  const auto at = line.find(concat(name, "="));
  if (at == std::string::npos) return {};
  std::string value = line.substr(at + name.size() + 1);
  value.resize(std::min(value.find_first_of("& "), value.size()));
  std::string plain;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '%' && i + 2 < value.size()) {
      plain += static_cast<char>(std::stoi(value.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      plain += value[i];
    }
  }
  return plain;
}

}  // namespace

TokenServer::TokenServer(const std::filesystem::path& directory, const std::string& user,
                         const std::string& password)
    : directory_(directory),
      expected_authorization_(
          user.empty() ? std::string() : concat("Basic ", image::encode_base64(concat(user, ":", password)))),
      certificate_base64_(make_certificate(directory)),
      server_([this](int connection_fd, int stop_fd) { serve(connection_fd, stop_fd); }) {}

std::string TokenServer::registry_yaml() const {
  return concat("auth:\n  token:\n    realm: http://127.0.0.1:", port(),
                "/token\n    service: test-registry\n    issuer: test-issuer\n",
                "    rootcertbundle: ", (directory_ / "certificate.pem").native(), "\n");
}

// scope is "repository:NAME:ACTIONS".
std::string TokenServer::token(const std::string& scope) const {
  const auto first = scope.find(':');
  const auto last = scope.rfind(':');
  const auto repository = scope.substr(first + 1, last - first - 1);
  std::string actions;
  std::stringstream words(scope.substr(last + 1));
  for (std::string word; std::getline(words, word, ',');)
    actions += concat(actions.empty() ? "" : ",", "\"", word, "\"");
  const auto time = std::time(nullptr);
  const auto header = concat(R"({"typ":"JWT","alg":"RS256","x5c":[")", certificate_base64_, R"("]})");
  const auto claims =
      concat(R"({"iss":"test-issuer","sub":"someone","aud":"test-registry","exp":)", time + 300, R"(,"nbf":)",
             time - 60, R"(,"iat":)", time, R"(,"jti":")", new_id(),
             R"(","access":[{"type":"repository","name":")", repository, R"(","actions":[)", actions, "]}]}");
  const auto content = concat(base64_url(header), ".", base64_url(claims));
  return concat(content, ".", base64_url(sign(directory_ / "key.pem", content)));
}

void TokenServer::serve(int connection_fd, int stop_fd) {
  const auto request = read_request(connection_fd, stop_fd);
  if (request.empty()) return;
  const bool is_allowed =
      expected_authorization_.empty() ||
      request.find(concat("Authorization: ", expected_authorization_, "\r\n")) != std::string::npos;
  std::string body = R"({"details":"incorrect username or password"})";
  if (is_allowed) {
    body = concat(R"({"token":")", token(query_value(request, "scope")), R"("})");
    ++tokens_given_;
  }
  (void)write_all(connection_fd,
                  concat("HTTP/1.1 ", is_allowed ? "200 OK" : "401 Unauthorized",
                         "\r\nContent-Type: application/json\r\nContent-Length: ", body.size(),
                         "\r\nConnection: close\r\n\r\n", body),
                  "token answer");
}

}  // namespace boxlite::test
