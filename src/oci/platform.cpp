// SPDX-License-Identifier: Apache-2.0
#include "oci/platform.h"

#include <algorithm>

#include <sys/utsname.h>

#include "base/concat.h"

namespace boxlite::oci {
namespace {

struct Alias {
  std::string_view alias;
  std::string_view architecture;
  std::string_view variant;
};
constexpr Alias aliases[] = {
    {"x86_64", "amd64", ""},    {"x86-64", "amd64", ""},
    {"aarch64", "arm64", ""},   {"armhf", "arm", "v7"},
    {"armv7l", "arm", "v7"},    {"armel", "arm", "v6"},
    {"armv6l", "arm", "v6"},    {"armv5tel", "arm", "v5"},
    {"i386", "386", ""},        {"i486", "386", ""},
    {"i586", "386", ""},        {"i686", "386", ""},
    {"ppc64el", "ppc64le", ""}, {"loongarch64", "loong64", ""},
};

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
}

bool is_variant(std::string_view text) {
  return text.size() == 2 && text[0] == 'v' && text[1] >= '1' && text[1] <= '9';
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

// The level of "v7"; an unwritten variant is the architecture's usual one.
std::optional<int> level(const Platform& platform) {
  const auto& variant = platform.variant;
  if (variant.empty()) {
    if (platform.architecture == "arm") return 7;
    return platform.architecture == "arm64" ? 8 : 1;
  }
  if (!is_variant(variant)) return std::nullopt;
  return variant[1] - '0';
}

}  // namespace

Result<Platform> Platform::parse(std::string_view text) {
  const std::string words = lower(text);
  std::string parts[3];
  std::size_t count = 0;
  for (std::size_t start = 0; start <= words.size();) {
    const auto slash = std::min(words.find('/', start), words.size());
    const auto part = words.substr(start, slash - start);
    if (count == 3 || !is_word(part)) {
      return fail(ErrorCode::invalid_argument, concat("platform ", in_quotes(text.substr(0, 100)),
                                                      ": expected os/arch[/variant], such as linux/amd64"));
    }
    parts[count++] = part;
    start = slash + 1;
  }
  if (count == 1) {
    if (parts[0] == "linux") return Platform{"linux", of_host().architecture, ""};
    return Platform{"linux", parts[0], ""}.normalised();
  }
  // "arm/v7" is an architecture with a variant: no architecture is called like this.
  if (count == 2 && parts[0] != "linux" && is_variant(parts[1])) {
    return Platform{"linux", parts[0], parts[1]}.normalised();
  }
  return Platform{parts[0], parts[1], parts[2]}.normalised();
}

Platform Platform::of_host() {
  utsname machine{};
  if (::uname(&machine) != 0) return Platform{"linux", "amd64", ""};
  return Platform{"linux", machine.machine, ""}.normalised();
}

Platform Platform::normalised() const {
  Platform result{lower(os), lower(architecture), lower(variant)};
  for (const auto& entry : aliases) {
    if (result.architecture != entry.alias) continue;
    result.architecture = entry.architecture;
    if (result.variant.empty()) result.variant = entry.variant;
  }
  // "7" is a short "v7".
  if (is_variant(concat('v', result.variant))) result.variant = concat('v', result.variant);
  if (result.architecture == "arm64" && result.variant == "v8") result.variant.clear();
  if (result.architecture == "amd64" && result.variant == "v1") result.variant.clear();
  if (result.architecture == "arm" && result.variant == "v7") result.variant.clear();
  return result;
}

std::string Platform::str() const {
  auto text = concat(os, "/", architecture);
  if (!variant.empty()) text += concat("/", variant);
  return text;
}

std::optional<int> distance(const Platform& wanted_raw, const Platform& offered_raw) {
  const auto wanted = wanted_raw.normalised();
  const auto offered = offered_raw.normalised();
  if (wanted.os != offered.os || wanted.architecture != offered.architecture) return std::nullopt;
  if (wanted.variant == offered.variant) return 0;
  const auto have = level(wanted);
  const auto need = level(offered);
  if (!have || !need || *need > *have) return std::nullopt;
  return *have - *need;
}

std::string how_to_ask_for(const Platform& image) {
  return concat("ask for ", image.str(), ", which boxes here run too: --platform ", image.str());
}

bool can_run(const Platform& host, const Platform& image) {
  if (distance(host, image)) return true;
  const auto offered = image.normalised();
  return host.normalised().architecture == "amd64" && offered.os == "linux" && offered.architecture == "386";
}

}  // namespace boxlite::oci
