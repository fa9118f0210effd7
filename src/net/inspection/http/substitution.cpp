// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/http/substitution.h"

#include <algorithm>

#include <openssl/evp.h>

#include "base/concat.h"
#include "net/inspection/http/http1_head.h"

namespace boxlite::net {
namespace {

using Pairs = std::vector<Replacements::Pair>;

bool fits_in_header(std::string_view value) {
  return std::ranges::none_of(value, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

bool is_masked(const netpolicy::Secret* secret) {
  return secret->value().size() >= Substitution::shortest_masked_value;
}

Pairs pairs_to_server(const std::vector<const netpolicy::Secret*>& secrets, bool in_headers) {
  Pairs pairs;
  for (const auto* secret : secrets) {
    if (!in_headers || fits_in_header(secret->value()))
      pairs.push_back({secret->placeholder(), secret->value()});
  }
  return pairs;
}

std::vector<std::string> masks_of(const std::vector<const netpolicy::Secret*>& secrets) {
  std::vector<std::string> masks;
  for (const auto* secret : secrets) {
    masks.push_back(secret->placeholder());
    masks.back().resize(secret->value().size(), '*');
  }
  return masks;
}

// A placeholder could not stand in the name of a field.
std::vector<std::string> name_masks_of(const std::vector<const netpolicy::Secret*>& secrets) {
  std::vector<std::string> masks;
  for (const auto* secret : secrets) masks.emplace_back(secret->value().size(), '*');
  return masks;
}

Pairs pairs_to_guest(const std::vector<const netpolicy::Secret*>& secrets,
                     const std::vector<std::string>* masks) {
  Pairs pairs;
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    if (!is_masked(secrets[i])) continue;
    const std::string_view mask = masks != nullptr ? (*masks)[i] : secrets[i]->placeholder();
    pairs.push_back({secrets[i]->value(), mask});
  }
  return pairs;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  // The padding is counted as bytes.
  bytes.resize(static_cast<std::size_t>(size) - (text.ends_with("==") ? 2u : text.ends_with('=') ? 1u : 0u));
  return bytes;
}

std::string encode_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

}  // namespace

Substitution::Substitution(const std::vector<const netpolicy::Secret*>& secrets)
    : masks_(masks_of(secrets)),
      name_masks_(name_masks_of(secrets)),
      fields_to_server_(pairs_to_server(secrets, true)),
      to_server_(pairs_to_server(secrets, false)),
      to_guest_(pairs_to_guest(secrets, nullptr), Replacements::Words::secret),
      to_guest_in_place_(pairs_to_guest(secrets, &masks_), Replacements::Words::secret),
      to_guest_in_names_(pairs_to_guest(secrets, &name_masks_), Replacements::Words::secret) {}

Result<bool> Substitution::substitute(std::string_view field_name, std::string& value) const {
  constexpr std::string_view basic = "Basic ";
  if (equals_ignoring_case(field_name, "authorization") &&
      equals_ignoring_case(std::string_view(value).substr(0, basic.size()), basic)) {
    auto encoded = std::string_view(value).substr(basic.size());
    encoded.remove_prefix(std::min(encoded.find_first_not_of(' '), encoded.size()));
    auto credentials = decode_base64(encoded);
    if (credentials && BOXLITE_TRY(replace(*credentials))) {
      value = concat(basic, encode_base64(*credentials));
      netpolicy::wipe(*credentials);
      return true;
    }
  }
  return replace(value);
}

Result<bool> Substitution::replace(std::string& text) const {
  auto changed = fields_to_server_.apply(text, max_http_head);
  if (!changed) {
    return fail(ErrorCode::resource_exhausted, "HTTP head: with the secrets in place it would be too long");
  }
  if (*changed == text) return false;
  text = *std::move(changed);
  return true;
}

bool Substitution::mask(std::string& text) const {
  auto changed = to_guest_.apply(text, 4 * max_http_head);
  // Too long only where nothing but values is repeated.
  if (!changed) changed.emplace();
  if (*changed == text) return false;
  text = *std::move(changed);
  return true;
}

bool Substitution::mask_name(std::string& name) const {
  auto changed = to_guest_in_names_.apply(name, name.size());
  if (!changed || *changed == name) return false;
  name = *std::move(changed);
  return true;
}

bool Substitution::mask(HttpFields& fields) const {
  bool is_changed = false;
  for (auto& field : fields.items()) {
    if (field.name.starts_with(':')) continue;
    is_changed = mask_name(field.name) || is_changed;
    is_changed = mask(field.value) || is_changed;
  }
  return is_changed;
}

std::string Substitution::mask_lines(std::string_view lines) const {
  std::string masked;
  while (!lines.empty()) {
    const auto line = lines.substr(0, lines.find("\r\n"));
    const auto colon = std::min(line.find(':'), line.size());
    std::string name(line.substr(0, colon));
    std::string rest(line.substr(colon));
    mask_name(name);
    mask(rest);
    masked += concat(name, rest, "\r\n");
    lines.remove_prefix(std::min(line.size() + 2, lines.size()));
  }
  return masked;
}

}  // namespace boxlite::net
