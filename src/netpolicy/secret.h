// SPDX-License-Identifier: Apache-2.0
// A secret that a box may use and never sees: it has the placeholder, and the value takes its place on the
// way to the secret's hosts. docs/explanation/secrets.md tells what that promises, and what not.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "netpolicy/rule.h"

namespace boxlite::netpolicy {

// Bytes that are in no core dump and are wiped when they go. Movable.
class SecretValue {
 public:
  SecretValue() = default;
  explicit SecretValue(std::string_view bytes);

  std::string_view view() const { return {bytes_.get(), bytes_ ? size_ : 0}; }

 private:
  struct Wipe {
    std::size_t mapped;
    void operator()(char* bytes) const;
  };
  std::unique_ptr<char, Wipe> bytes_{nullptr, Wipe{0}};
  std::size_t size_ = 0;
};

// Overwrites a text that held a value and empties it.
void wipe(std::string& text);

inline constexpr std::size_t longest_secret = 64u << 10;
inline constexpr std::size_t most_secrets = 64;
inline constexpr std::size_t longest_placeholder = 256;

// What may be told about a secret.
struct SecretSpec {
  std::string name = {};
  // "api.example.com", "*.example.com", with ":PORT" for another than 443.
  std::vector<std::string> hosts = {};
  std::string placeholder = {};  // empty: default_placeholder(name)

  bool operator==(const SecretSpec&) const = default;
};

// "<BOXLITE_SECRET:name>"
std::string default_placeholder(std::string_view name);
// The variable that holds the placeholder in the box: BOXLITE_SECRET_ and the name in upper case, with '_'
// for what a variable cannot have.
std::string secret_variable(std::string_view name);

// One secret in use. Immutable.
class Secret {
 public:
  static constexpr std::uint16_t default_port = 443;

  // invalid_argument tells what is wrong with it, never the value.
  static Result<Secret> create(const SecretSpec& spec, SecretValue value);

  const std::string& name() const { return name_; }
  const std::string& placeholder() const { return placeholder_; }
  std::string_view value() const { return value_.view(); }
  bool is_for(std::string_view host, std::uint16_t port) const;

 private:
  Secret() = default;
  std::string name_;
  std::string placeholder_;
  SecretValue value_;
  std::vector<Rule> hosts_;
};

// Of one box: no two have the same name, variable or placeholder. Immutable, thread-safe.
class SecretSet {
 public:
  SecretSet() = default;
  static Result<SecretSet> create(std::vector<Secret> secrets);
  // The same for what is known without the values.
  static Result<void> check(const std::vector<SecretSpec>& specs);

  bool is_empty() const { return secrets_.empty(); }
  std::vector<const Secret*> for_host(std::string_view host, std::uint16_t port) const;
  // Whether a connection to what goes by one of these names may carry a placeholder.
  bool concerns(const Flow& flow) const;

 private:
  std::vector<Secret> secrets_;
};

}  // namespace boxlite::netpolicy
