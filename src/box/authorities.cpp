// SPDX-License-Identifier: Apache-2.0
#include "box/authorities.h"

#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/real_path.h"

namespace boxlite::box {
namespace {

constexpr std::size_t most_files = 16;
constexpr std::size_t largest_file = 1u << 20;
// What goes into one request to the guest.
constexpr std::size_t most_bytes = 400u << 10;
// Debian, Alpine and Arch; Red Hat; SUSE; others.
constexpr std::array<const char*, 4> system_bundles{"/etc/ssl/certs/ca-certificates.crt",
                                                    "/etc/pki/tls/certs/ca-bundle.crt",
                                                    "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};
constexpr std::string_view begin_mark = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view end_mark = "-----END CERTIFICATE-----";

Result<std::string> read_system_bundle() {
  for (const char* path : system_bundles) {
    auto content = read_file(path, largest_file);
    if (content || content.error().os_error() != ENOENT) return content;
  }
  return fail(Error(ErrorCode::not_found, "this host has no file of the authorities that it trusts")
                  .with_remedy("install ca-certificates, or name a file of certificates"));
}

// Those that `all` has not got yet are added to it: files of one host share most. How many there were.
std::size_t add_certificates(std::string_view text, std::string& all) {
  std::size_t count = 0;
  for (auto begin = text.find(begin_mark); begin != text.npos; begin = text.find(begin_mark)) {
    const auto end = text.find(end_mark, begin);
    if (end == text.npos) break;
    const auto certificate = concat(text.substr(begin, end + end_mark.size() - begin), "\n");
    if (all.find(certificate) == std::string::npos) all += certificate;
    ++count;
    text.remove_prefix(end + end_mark.size());
  }
  return count;
}

Result<void> add_required_certificates(std::string_view what, std::string_view text, std::string& all) {
  if (add_certificates(text, all) != 0) return {};
  return fail(Error(ErrorCode::invalid_argument, concat(what, ": there is no certificate in it"))
                  .with_remedy("give a file in PEM form: openssl x509 -inform der -in ca.cer -out ca.pem"));
}

Result<std::string> require_moderate(std::string all) {
  if (all.size() <= most_bytes) return all;
  return fail(Error(ErrorCode::resource_exhausted,
                    concat("authorities: ", all.size(), " bytes of certificates, more than ", most_bytes))
                  .with_remedy("name files of fewer certificates"));
}

Result<std::string> with_remedy(std::string_view what, Result<std::string> content) {
  if (content) return content;
  auto error = std::move(content).error().context(what);
  if (!error.remedy().empty()) return fail(std::move(error));
  return fail(std::move(error).with_remedy(
      concat("name a readable file of certificates in PEM form, of at most ", largest_file >> 20, " MiB")));
}

// Without waiting for a writer, should it be a fifo.
Result<std::string> read_user_file(const std::filesystem::path& path) {
  const auto file = BOXLITE_TRY(open_file(path, O_RDONLY | O_NONBLOCK));
  return read_all(file.get(), path.native(), largest_file);
}

}  // namespace

Result<void> check(const std::vector<std::filesystem::path>& authorities) {
  if (authorities.size() > most_files)
    return fail(ErrorCode::invalid_argument,
                concat("authorities: at most ", most_files, " files are allowed"));
  for (const auto& path : authorities) {
    if (path.is_absolute() || path == system_authorities) continue;
    return fail(ErrorCode::invalid_argument, concat("authorities ", in_quotes(path.native()),
                                                    " is not valid: write an absolute path, or system"));
  }
  return {};
}

Result<std::string> read_authorities(const std::vector<std::filesystem::path>& authorities) {
  std::string all;
  for (const auto& path : authorities) {
    const auto what = concat("authorities ", in_quotes(path.native()));
    const auto content = BOXLITE_TRY(
        with_remedy(what, path == system_authorities ? read_system_bundle() : read_user_file(path)));
    BOXLITE_TRY(add_required_certificates(what, content, all));
  }
  return require_moderate(std::move(all));
}

Result<std::string> read_authorities_at(const std::filesystem::path& real_path) {
  const auto what = concat("authorities ", in_quotes(real_path.native()));
  const auto file = BOXLITE_TRY(open_without_symlinks(real_path, O_RDONLY | O_NONBLOCK));
  const auto content = BOXLITE_TRY(with_remedy(what, read_all(file.get(), real_path.native(), largest_file)));
  std::string all;
  BOXLITE_TRY(add_required_certificates(what, content, all));
  return require_moderate(std::move(all));
}

}  // namespace boxlite::box
