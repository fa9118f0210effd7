// SPDX-License-Identifier: Apache-2.0
#include "agent/container/trust_store.h"

#include <algorithm>
#include <array>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/machine/console.h"
#include "base/concat.h"
#include "base/files.h"
#include "linux/files/mounts.h"

namespace boxlite::agent {
namespace {

// Ours alone, for what takes certificates beside its own.
constexpr const char* own_file = "/etc/ssl/certs/boxlite-box-ca.pem";
// Debian, Alpine and Arch; Red Hat's two; SUSE; what OpenSSL, LibreSSL and the BSDs' tools look for.
constexpr std::array<const char*, 6> bundles{"/etc/ssl/certs/ca-certificates.crt",
                                             "/etc/pki/tls/certs/ca-bundle.crt",
                                             "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                             "/etc/ssl/ca-bundle.pem",
                                             "/etc/ssl/cert.pem",
                                             "/etc/pki/tls/cert.pem"};
// From these the image's own tools make the bundles anew.
constexpr std::array<const char*, 2> sources{"/usr/local/share/ca-certificates",
                                             "/etc/pki/ca-trust/source/anchors"};
constexpr const char* source_name = "/boxlite-box-ca.crt";
constexpr std::array<const char*, 7> bundle_variables{
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",   "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE", "PIP_CERT",           "CARGO_HTTP_CAINFO"};
constexpr std::array<const char*, 2> extra_variables{"NODE_EXTRA_CA_CERTS", "DENO_CERT"};
constexpr std::size_t largest_bundle = 4u << 20;

// A regular file on the same file system as the root. The guest has written its disk: anything may lie there.
Result<UniqueFd> open_on_disk(int root_fd, const std::string& path, int flags) {
  auto file = BOXLITE_TRY(
      linux_::open_in_root(root_fd, path, flags | O_NONBLOCK | O_NOCTTY, flags & O_CREAT ? 0644 : 0));
  struct stat root{};
  struct stat status{};
  if (::fstat(root_fd, &root) != 0 || ::fstat(file.get(), &status) != 0) {
    return fail(syscall_error("fstat", path, errno));
  }
  if (!S_ISREG(status.st_mode) || status.st_dev != root.st_dev) {
    return fail(ErrorCode::unsupported, concat(in_quotes(path), " is not a file of the box's disk"));
  }
  return file;
}

Result<std::string> read_all(int fd, const std::string& path) {
  std::string content;
  std::array<char, 16384> buffer;
  while (content.size() <= largest_bundle) {
    const auto count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0) return fail(syscall_error("read", path, errno));
    if (count == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return fail(ErrorCode::resource_exhausted, concat(in_quotes(path), " is too large"));
}

// Each certificate of `pem` that `content` lacks.
std::string missing_certificates(std::string_view content, std::string_view pem) {
  constexpr std::string_view end_mark = "-----END CERTIFICATE-----\n";
  std::string missing;
  while (!pem.empty()) {
    const auto end = pem.find(end_mark);
    const auto one = pem.substr(0, end == pem.npos ? pem.size() : end + end_mark.size());
    pem.remove_prefix(one.size());
    if (content.find(one) == content.npos) missing += one;
  }
  return missing;
}

// Appended, so that whatever happens meanwhile, nothing of the image's is lost.
Result<void> append_once(int root_fd, const std::string& path, int flags, std::string_view pem) {
  const auto file = BOXLITE_TRY(open_on_disk(root_fd, path, O_RDWR | O_APPEND | flags));
  const auto content = BOXLITE_TRY(read_all(file.get(), path));
  const auto missing = missing_certificates(content, pem);
  if (missing.empty()) return {};
  return write_all(file.get(), concat(content.empty() || content.ends_with('\n') ? "" : "\n", missing), path);
}

bool has_directory(int root_fd, const char* path) {
  return linux_::open_in_root(root_fd, path, O_PATH | O_DIRECTORY).has_value();
}

Result<void> make_bundle(int root_fd, const std::string& path, std::string_view pem) {
  BOXLITE_TRY(linux_::open_or_make_directory(root_fd, path.substr(0, path.rfind('/'))));
  return append_once(root_fd, path, O_CREAT, pem);
}

}  // namespace

Result<std::string> add_to_trust_store(int root_fd, std::string_view pem) {
  BOXLITE_TRY(make_bundle(root_fd, own_file, pem));
  std::string first;
  for (const char* path : bundles) {
    const auto done = append_once(root_fd, path, 0, pem);
    if (done && first.empty()) first = path;
    if (!done && done.error().code() != ErrorCode::not_found) log_line(done.error().message());
  }
  for (const char* directory : sources) {
    if (!has_directory(root_fd, directory)) continue;
    const auto done = append_once(root_fd, concat(directory, source_name), O_CREAT, pem);
    if (!done) log_line(done.error().message());
  }
  if (!first.empty()) return first;
  // What installs certificates later makes the bundle anew, and takes ours up from its source.
  BOXLITE_TRY(make_bundle(root_fd, concat(sources.front(), source_name), pem));
  BOXLITE_TRY(make_bundle(root_fd, bundles.front(), pem));
  return std::string(bundles.front());
}

void add_trust_variables(std::string_view bundle, std::vector<std::string>& env) {
  const auto add = [&env](std::string_view name, std::string_view value) {
    const auto begin = concat(name, "=");
    if (std::ranges::none_of(env, [&](const auto& variable) { return variable.starts_with(begin); })) {
      env.push_back(begin + std::string(value));
    }
  };
  for (const char* name : bundle_variables) add(name, bundle);
  for (const char* name : extra_variables) add(name, own_file);
}

void trust_certificates(Container& container, std::string_view pem) {
  if (pem.empty()) return;
  const auto bundle = add_to_trust_store(container.root_fd(), pem);
  if (!bundle) return log_line(concat("add the box's certificate authority: ", bundle.error().message()));
  auto defaults = container.defaults();
  add_trust_variables(*bundle, defaults.env);
  container.set_defaults(std::move(defaults));
}

}  // namespace boxlite::agent
