// SPDX-License-Identifier: Apache-2.0
#include "box/spec/authorities.h"

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include <fcntl.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/real_path.h"
#include "image/registry/credentials.h"

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

struct DerValue {
  unsigned char tag;
  std::string_view content;
};

// The first value of `der`, which is shortened by it; nothing when it does not fit in there.
std::optional<DerValue> take_value(std::string_view& der) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(der[i]); };
  if (der.size() < 2) return {};
  std::size_t size = at(1);
  std::size_t head = 2;
  if (size >= 0x80) {
    const std::size_t digits = size - 0x80;
    // None is a length that is told at the end, which DER forbids; our files are smaller than four say.
    if (digits == 0 || digits > 3 || der.size() < head + digits) return {};
    for (size = 0; head < 2 + digits; ++head) size = size << 8 | at(head);
  }
  if (der.size() - head < size) return {};
  const DerValue value{at(0), der.substr(head, size)};
  der.remove_prefix(head + size);
  return value;
}

// SEQUENCE { SEQUENCE of what is certified, SEQUENCE that names the algorithm, BIT STRING of the signature }.
// Whether it says anything sensible is for who trusts it to find out: no library for that is loaded here.
bool has_shape_of_certificate(std::string_view der) {
  constexpr unsigned char sequence = 0x30;
  constexpr unsigned char bit_string = 0x03;
  auto whole = take_value(der);
  if (!whole || whole->tag != sequence || !der.empty()) return false;
  for (const auto tag : {sequence, sequence, bit_string}) {
    const auto part = take_value(whole->content);
    if (!part || part->tag != tag || part->content.empty()) return false;
  }
  return whole->content.empty();
}

bool is_certificate(std::string_view encoded) {
  std::string text;
  for (const char c : encoded) {
    if (std::string_view(" \t\r\n").find(c) == std::string_view::npos) text += c;
  }
  const auto der = image::decode_base64(text);
  return der && has_shape_of_certificate(*der);
}

Error certificate_error(std::string_view what, std::string_view why) {
  return Error(ErrorCode::invalid_argument, concat(what, ": ", why))
      .with_remedy("give a file in PEM form: openssl x509 -inform der -in ca.cer -out ca.pem");
}

// Those that `all` has not got yet are added to it: files of one host share most.
Result<void> add_certificates(std::string_view what, std::string_view text, std::string& all) {
  std::size_t count = 0;
  for (auto begin = text.find(begin_mark); begin != text.npos; begin = text.find(begin_mark)) {
    ++count;
    text.remove_prefix(begin);
    const auto end = text.find(end_mark);
    if (end == text.npos || !is_certificate(text.substr(begin_mark.size(), end - begin_mark.size())))
      return fail(certificate_error(what, concat("number ", count, " of its certificates is damaged")));
    const auto certificate = concat(text.substr(0, end + end_mark.size()), "\n");
    if (all.find(certificate) == std::string::npos) all += certificate;
    text.remove_prefix(end + end_mark.size());
  }
  if (count == 0) return fail(certificate_error(what, "there is no certificate in it"));
  return {};
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

Result<std::string> read_file_at(const std::filesystem::path& real_path) {
  const auto file = BOXLITE_TRY(open_without_symlinks(real_path, O_RDONLY | O_NONBLOCK));
  return read_all(file.get(), real_path.native(), largest_file);
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
    BOXLITE_TRY(add_certificates(what, content, all));
  }
  return require_moderate(std::move(all));
}

Result<std::string> read_authorities_at(const std::filesystem::path& real_path) {
  const auto what = concat("secret_authorities ", in_quotes(real_path.native()));
  const auto content = BOXLITE_TRY(with_remedy(what, read_file_at(real_path)));
  std::string all;
  BOXLITE_TRY(add_certificates(what, content, all));
  return require_moderate(std::move(all));
}

}  // namespace boxlite::box
