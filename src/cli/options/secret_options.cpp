// SPDX-License-Identifier: Apache-2.0
#include "cli/options/secret_options.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "cli/options/environment.h"
#include "cli/output/text_file.h"

namespace boxlite::cli {
namespace {

constexpr std::string_view form = "write NAME=env:VARIABLE@HOST, NAME=file:PATH@HOST or NAME=-@HOST";

std::vector<std::string> split_hosts(std::string_view text) {
  std::vector<std::string> hosts;
  while (true) {
    const auto comma = text.find(',');
    hosts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return hosts;
    text.remove_prefix(comma + 1);
  }
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

void drop_last_newline(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

}  // namespace

Parsed<SecretWish> parse_secret_option(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return usage_error("a value of --secret has no name", std::string(form));
  }
  SecretWish wish;
  wish.secret.name = text.substr(0, equals);
  const auto wrong = [&](std::string_view what) {
    return usage_error(fmt::format("--secret {}: {}", wish.secret.name, what), std::string(form));
  };
  auto source = text.substr(equals + 1);
  const auto at = source.rfind('@');
  if (at == std::string_view::npos) return wrong("no host may get it");
  wish.secret.hosts = split_hosts(source.substr(at + 1));
  if (std::ranges::find(wish.secret.hosts, "") != wish.secret.hosts.end()) return wrong("a host is empty");
  source = source.substr(0, at);
  using enum SecretWish::Source;
  wish.source = source == "-" ? standard_input : take_prefix(source, "env:") ? variable : file;
  if (wish.source == file && !take_prefix(source, "file:"))
    return wrong("its value comes from env:, file: or -");
  if (source.empty()) return wrong("where its value is, is empty");
  wish.place = source;
  return wish;
}

Parsed<std::string> read_secret(const SecretWish& wish) {
  if (wish.source == SecretWish::Source::variable) {
    auto value = host_variable(wish.place);
    if (!value)
      return usage_error(fmt::format("--secret {}: there is no variable {}", wish.secret.name, wish.place));
    return *std::move(value);
  }
  auto value = read_text_file(wish.source == SecretWish::Source::file ? wish.place : "/dev/stdin");
  if (value) drop_last_newline(*value);
  return value;
}

void SecretOptions::declare(OptionSet& options) {
  options.list(0, "secret", "NAME=SOURCE@HOST[,HOST]", texts_,
               "The box may use it there and never sees it; SOURCE: env:VARIABLE, file:PATH, - (repeatable)");
  options.text(0, "secret-ca", "FILE", authorities_,
               "Certificates to trust for such hosts besides the system's");
}

Parsed<std::vector<Secret>> SecretOptions::secrets(bool takes_stdin) const {
  std::vector<Secret> secrets;
  bool is_stdin_taken = takes_stdin;
  for (const auto& text : texts_) {
    auto wish = parse_secret_option(text);
    if (!wish) return std::unexpected(wish.error());
    if (wish->source == SecretWish::Source::standard_input && std::exchange(is_stdin_taken, true)) {
      return usage_error(fmt::format("--secret {}: standard input is taken already", wish->secret.name),
                         "use env: or file: for one of them");
    }
    auto value = read_secret(*wish);
    if (!value) return std::unexpected(value.error());
    wish->secret.value = *std::move(value);
    secrets.push_back(std::move(wish->secret));
  }
  return secrets;
}

std::string SecretOptions::authorities() const {
  if (authorities_.empty()) return {};
  std::error_code failed;
  const auto whole = std::filesystem::absolute(authorities_, failed);
  // Without a working directory: the library refuses one that is not absolute.
  return failed ? authorities_ : whole.native();
}

}  // namespace boxlite::cli
