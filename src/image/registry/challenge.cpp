// SPDX-License-Identifier: Apache-2.0
#include "image/registry/challenge.h"

#include <algorithm>

namespace boxlite::image {
namespace {

constexpr std::size_t max_challenges = 16;
constexpr std::size_t max_parameters = 32;

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  void skip_spaces() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
  }
  void skip_separators() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == ','))
      rest_.remove_prefix(1);
  }
  bool take(char c) {
    skip_spaces();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view token() {
    const auto end = std::ranges::find_if_not(rest_, is_token_char);
    const std::string_view result(rest_.begin(), end);
    rest_.remove_prefix(result.size());
    return result;
  }
  // A quoted string or a token; false when it is neither.
  bool value(std::string& out) {
    skip_spaces();
    if (rest_.empty() || rest_.front() != '"') {
      out = token();
      return !out.empty();
    }
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return true;
      }
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      out += rest_[i];
    }
    return false;
  }
  std::string_view rest() const { return rest_; }
  void rewind(std::string_view rest) { rest_ = rest; }

 private:
  std::string_view rest_;
};

// `name=value` pairs up to the next scheme, which is a word without "=".
bool read_parameters(Scanner& scanner, Challenge& challenge) {
  while (challenge.parameters.size() < max_parameters) {
    scanner.skip_separators();
    const auto start = scanner.rest();
    const auto name = scanner.token();
    if (name.empty()) return scanner.rest().empty();
    if (!scanner.take('=')) {
      scanner.rewind(start);
      return true;
    }
    std::string value;
    if (!scanner.value(value)) return false;
    challenge.parameters.insert_or_assign(lower(name), std::move(value));
  }
  return false;
}

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> challenges;
  Scanner scanner(header);
  while (challenges.size() < max_challenges) {
    scanner.skip_separators();
    const auto scheme = scanner.token();
    if (scheme.empty()) break;
    challenges.push_back({lower(scheme), {}});
    if (!read_parameters(scanner, challenges.back())) break;
  }
  return challenges;
}

}  // namespace boxlite::image
