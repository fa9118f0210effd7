// SPDX-License-Identifier: Apache-2.0
#include "netpolicy/secret.h"

#include <algorithm>
#include <new>
#include <set>

#include <string.h>
#include <sys/mman.h>

#include "base/concat.h"
#include "netpolicy/policy.h"

namespace boxlite::netpolicy {
namespace {

constexpr std::size_t longest_name = 64;

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

bool is_name_character(char c) {
  return (upper(c) >= 'A' && upper(c) <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

Result<void> check_name(std::string_view name) {
  if (!name.empty() && name.size() <= longest_name && std::ranges::all_of(name, is_name_character)) return {};
  return fail(Error(ErrorCode::invalid_argument, concat("secret ", in_quotes(name), ": not a name"))
                  .with_remedy("use letters, digits, '-', '_' and '.', 64 at most"));
}

// It stands in the environment and in headers, and one that is short or common would be found everywhere.
Result<void> check_placeholder(const SecretSpec& spec) {
  constexpr std::size_t shortest_placeholder = 8;
  const auto& text = spec.placeholder;
  const auto is_printable = [](char c) { return c >= ' ' && c < 0x7f; };
  if (text.empty() || (text.size() >= shortest_placeholder && text.size() <= longest_placeholder &&
                       std::ranges::all_of(text, is_printable))) {
    return {};
  }
  return fail(ErrorCode::invalid_argument,
              concat("secret ", in_quotes(spec.name), ": a placeholder has 8 to 256 printable characters"));
}

Result<std::vector<Rule>> parse_hosts(const SecretSpec& spec) {
  std::vector<Rule> rules;
  for (const auto& host : spec.hosts) {
    rules.push_back(BOXLITE_TRY_CONTEXT(concat("secret ", in_quotes(spec.name)), Rule::parse(host)));
    const auto kind = rules.back().host();
    if (kind != Rule::Host::name && kind != Rule::Host::suffix) {
      return fail(
          Error(ErrorCode::invalid_argument,
                concat("secret ", in_quotes(spec.name), ": host ", in_quotes(host), " is not a name"))
              .with_remedy("a certificate proves names: give \"api.example.com\" or \"*.example.com\""));
    }
  }
  if (rules.empty()) {
    return fail(ErrorCode::invalid_argument, concat("secret ", in_quotes(spec.name), ": no host may get it"));
  }
  return rules;
}

std::string placeholder_of(const SecretSpec& spec) {
  return spec.placeholder.empty() ? default_placeholder(spec.name) : spec.placeholder;
}

Result<void> check_distinct(std::vector<std::string> texts, std::string_view what) {
  std::ranges::sort(texts);
  const auto twin = std::ranges::adjacent_find(texts);
  if (twin == texts.end()) return {};
  return fail(ErrorCode::invalid_argument,
              concat("secrets: ", what, " ", in_quotes(*twin), " is used twice"));
}

Result<void> check_together(const std::vector<std::string>& names, std::vector<std::string> placeholders) {
  if (names.size() > most_secrets) {
    return fail(ErrorCode::invalid_argument, concat("secrets: a box has at most ", most_secrets));
  }
  std::vector<std::string> variables;
  for (const auto& name : names) variables.push_back(secret_variable(name));
  BOXLITE_TRY(check_distinct(std::move(variables), "the variable"));
  return check_distinct(std::move(placeholders), "the placeholder");
}

}  // namespace

SecretValue::SecretValue(std::string_view bytes) : size_(bytes.size()) {
  if (bytes.empty()) return;
  // Pages of its own, so that leaving it out of a dump leaves out nothing else.
  void* const pages = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  ::madvise(pages, size_, MADV_DONTDUMP);
  bytes_ = std::unique_ptr<char, Wipe>(static_cast<char*>(pages), Wipe{size_});
  std::ranges::copy(bytes, bytes_.get());
}

void SecretValue::Wipe::operator()(char* bytes) const {
  explicit_bzero(bytes, mapped);
  ::munmap(bytes, mapped);
}

void wipe(std::string& text) {
  explicit_bzero(text.data(), text.size());
  text.clear();
}

std::string default_placeholder(std::string_view name) {
  return concat("<BOXLITE_SECRET:", name, ">");
}

std::string secret_variable(std::string_view name) {
  std::string variable = "BOXLITE_SECRET_";
  for (const char c : name) variable += is_name_character(c) && c != '-' && c != '.' ? upper(c) : '_';
  return variable;
}

Result<Secret> Secret::create(const SecretSpec& spec, SecretValue value) {
  BOXLITE_TRY(check_name(spec.name));
  BOXLITE_TRY(check_placeholder(spec));
  Secret secret;
  secret.hosts_ = BOXLITE_TRY(parse_hosts(spec));
  if (value.view().empty() || value.view().size() > longest_secret) {
    return fail(ErrorCode::invalid_argument, concat("secret ", in_quotes(spec.name), ": the value is ",
                                                    value.view().empty() ? "empty" : "longer than 64 KiB"));
  }
  secret.name_ = spec.name;
  secret.placeholder_ = placeholder_of(spec);
  secret.value_ = std::move(value);
  return secret;
}

bool Secret::is_for(std::string_view host, std::uint16_t port) const {
  return std::ranges::any_of(hosts_, [&](const Rule& rule) {
    return (rule.has_ports() ? rule.fits(Protocol::tcp, port) : port == default_port) &&
           rule.matches_name(host);
  });
}

Result<SecretSet> SecretSet::create(std::vector<Secret> secrets) {
  std::vector<std::string> names;
  std::vector<std::string> placeholders;
  for (const auto& secret : secrets) {
    names.push_back(secret.name());
    placeholders.push_back(secret.placeholder());
  }
  BOXLITE_TRY(check_together(names, std::move(placeholders)));
  SecretSet set;
  set.secrets_ = std::move(secrets);
  return set;
}

Result<void> SecretSet::check(const std::vector<SecretSpec>& specs) {
  std::vector<std::string> names;
  std::vector<std::string> placeholders;
  for (const auto& spec : specs) {
    BOXLITE_TRY(check_name(spec.name));
    BOXLITE_TRY(check_placeholder(spec));
    BOXLITE_TRY(parse_hosts(spec));
    names.push_back(spec.name);
    placeholders.push_back(placeholder_of(spec));
  }
  return check_together(names, std::move(placeholders));
}

std::vector<const Secret*> SecretSet::for_host(std::string_view host, std::uint16_t port) const {
  std::vector<const Secret*> found;
  for (const auto& secret : secrets_) {
    if (secret.is_for(host, port)) found.push_back(&secret);
  }
  return found;
}

bool SecretSet::concerns(const Flow& flow) const {
  const auto is_known = [&](std::string_view host) { return !for_host(host, flow.port).empty(); };
  if (flow.protocol != Protocol::tcp) return false;
  return std::ranges::any_of(flow.names, is_known) || (flow.host_alias && is_known(host_alias_name));
}

}  // namespace boxlite::netpolicy
