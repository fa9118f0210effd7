// SPDX-License-Identifier: Apache-2.0
#include "oci/reference.h"

#include <algorithm>

#include "base/concat.h"

namespace boxlite::oci {
namespace {

// Of a repository, "library/" included, and of a host: what is written out in full can be read again.
constexpr std::size_t max_name_length = 255;
constexpr std::size_t max_tag_length = 128;
constexpr std::string_view default_tag = "latest";
constexpr std::string_view official_prefix = "library/";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_letter(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z');
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// [a-z0-9]+ joined by one of: ".", "_", "__", any number of "-".
bool is_path_component(std::string_view text) {
  const auto is_word = [](char c) { return is_lower(c) || is_digit(c); };
  if (text.empty() || !is_word(text.front()) || !is_word(text.back())) return false;
  for (std::size_t i = 0; i < text.size();) {
    const auto word_end =
        std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(i), text.end(), is_word);
    const auto next_word = std::find_if(word_end, text.end(), is_word);
    const std::string_view separator(word_end, next_word);
    const bool dashes = std::ranges::all_of(separator, [](char c) { return c == '-'; });
    if (!dashes && separator != "." && separator != "_" && separator != "__") return false;
    i = static_cast<std::size_t>(next_word - text.begin());
  }
  return true;
}

bool is_path(std::string_view text) {
  while (true) {
    const auto slash = text.find('/');
    if (!is_path_component(text.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

bool is_host_label(std::string_view text) {
  const auto is_inner = [](char c) { return is_letter(c) || is_digit(c) || c == '-'; };
  return !text.empty() && text.front() != '-' && text.back() != '-' && std::ranges::all_of(text, is_inner);
}

bool is_host_name(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) {
    const auto address = text.substr(1, text.size() - 2);
    return !address.empty() &&
           std::ranges::all_of(address, [](char c) { return is_hex(c) || c == ':' || c == '.'; });
  }
  while (true) {
    const auto dot = text.find('.');
    if (!is_host_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || !std::ranges::all_of(text, is_digit)) return false;
  unsigned port = 0;
  for (const char c : text) port = port * 10 + static_cast<unsigned>(c - '0');
  return port >= 1 && port <= 65535;
}

bool is_host(std::string_view text) {
  const auto bracket = text.rfind(']');
  const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (!is_host_name(text.substr(0, colon))) return false;
  return colon == std::string_view::npos || is_port(text.substr(colon + 1));
}

bool is_tag(std::string_view text) {
  const auto is_first = [](char c) { return is_letter(c) || is_digit(c) || c == '_'; };
  const auto is_inner = [&](char c) { return is_first(c) || c == '.' || c == '-'; };
  return !text.empty() && text.size() <= max_tag_length && is_first(text.front()) &&
         std::ranges::all_of(text, is_inner);
}

// Docker's rule for the part before the first slash: a path component never looks like this.
bool looks_like_host(std::string_view text) {
  return text == "localhost" || text.find_first_of(".:[") != std::string_view::npos ||
         std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

std::unexpected<Error> malformed_reference(std::string_view text, std::string_view why) {
  return fail(ErrorCode::invalid_argument,
              concat("image reference ", in_quotes(text.substr(0, 300)), ": ", why));
}

}  // namespace

Result<Reference> Reference::parse(std::string_view text) {
  Reference result;
  auto rest = text;
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    auto digest = Digest::parse(rest.substr(at + 1));
    if (!digest) return malformed_reference(text, digest.error().message());
    result.digest_ = *std::move(digest);
    rest = rest.substr(0, at);
  }
  const auto last_slash = rest.rfind('/');
  const auto colon = rest.find(':', last_slash == std::string_view::npos ? 0 : last_slash);
  if (colon != std::string_view::npos) {
    result.tag_ = rest.substr(colon + 1);
    if (!is_tag(result.tag_))
      return malformed_reference(text, "the tag is not of letters, digits, '_', '.', '-' (1 to 128)");
    rest = rest.substr(0, colon);
  } else if (!result.digest_) {
    result.tag_ = default_tag;
  }

  std::string_view host;
  auto path = rest;
  const auto first_slash = rest.find('/');
  if (first_slash != std::string_view::npos && looks_like_host(rest.substr(0, first_slash))) {
    host = rest.substr(0, first_slash);
    path = rest.substr(first_slash + 1);
    if (!is_host(host))
      return malformed_reference(text, "the registry is not a host name with an optional port");
  }
  if (path.empty()) return malformed_reference(text, "the name is empty");
  if (host.size() > max_name_length)
    return malformed_reference(text, "the registry is longer than 255 characters");
  if (std::ranges::any_of(path, [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return malformed_reference(text, "the repository name must be lower-case");
  }
  if (!is_path(path))
    return malformed_reference(text,
                               "the repository name is not of lower-case words joined by '/', '.', '_', '-'");
  result.registry_is_explicit_ = !host.empty();
  result.set_location(host.empty() ? default_registry : host, path);
  if (result.repository_.size() > max_name_length)
    return malformed_reference(text, "the name is longer than 255 characters");
  return result;
}

void Reference::set_location(std::string_view host, std::string_view path) {
  registry_ = host == "index.docker.io" || host == "registry-1.docker.io" ? default_registry : host;
  const bool official = registry_ == default_registry && path.find('/') == std::string_view::npos;
  repository_ = official ? concat(official_prefix, path) : std::string(path);
}

std::string Reference::str() const {
  auto text = concat(registry_, "/", repository_);
  if (!tag_.empty()) text += concat(":", tag_);
  if (digest_) text += concat("@", digest_->str());
  return text;
}

std::string Reference::familiar() const {
  std::string text;
  if (registry_ != default_registry) {
    text = concat(registry_, "/", repository_);
  } else {
    const bool official = repository_.starts_with(official_prefix) &&
                          repository_.find('/', official_prefix.size()) == std::string::npos;
    text = official ? repository_.substr(official_prefix.size()) : repository_;
    // "docker.io/localhost/x" may not become "localhost/x", which names another registry.
    if (looks_like_host(text.substr(0, text.find('/'))) && text.find('/') != std::string::npos) {
      text = concat(registry_, "/", text);
    }
  }
  if (!tag_.empty() && (tag_ != default_tag || digest_)) text += concat(":", tag_);
  if (digest_) text += concat("@", digest_->str());
  return text;
}

Reference Reference::on_registry(std::string_view host) const {
  Reference moved = *this;
  std::string_view path = repository_;
  if (registry_ == default_registry && path.starts_with(official_prefix))
    path.remove_prefix(official_prefix.size());
  moved.set_location(host, path);
  moved.registry_is_explicit_ = true;
  return moved;
}

Reference Reference::with_digest(const Digest& digest) const {
  Reference pinned = *this;
  pinned.tag_.clear();
  pinned.digest_ = digest;
  return pinned;
}

}  // namespace boxlite::oci
