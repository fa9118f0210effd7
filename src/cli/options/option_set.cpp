// SPDX-License-Identifier: Apache-2.0
#include "cli/options/option_set.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "cli/options/suggestion.h"

namespace boxlite::cli {

namespace {

std::string left_column(char letter, std::string_view word, std::string_view value_name) {
  std::string column = letter != 0 ? fmt::format("  -{}", letter) : "    ";
  if (!word.empty()) column += fmt::format("{} --{}", letter != 0 ? "," : " ", word);
  if (!value_name.empty()) column += fmt::format(" {}", value_name);
  return column;
}

std::optional<bool> boolean(std::string_view text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return std::nullopt;
}

}  // namespace

void OptionSet::flag(char letter, std::string_view word, bool& target, std::string_view help) {
  value(letter, word, {}, help, [&target](std::string_view text) -> std::optional<std::string> {
    const auto given = boolean(text);
    if (!given) return "is neither true nor false";
    target = *given;
    return std::nullopt;
  });
}

void OptionSet::text(char letter, std::string_view word, std::string_view value_name, std::string& target,
                     std::string_view help) {
  value(letter, word, value_name, help, [&target](std::string_view text) -> std::optional<std::string> {
    target = text;
    return std::nullopt;
  });
}

void OptionSet::list(char letter, std::string_view word, std::string_view value_name,
                     std::vector<std::string>& target, std::string_view help) {
  value(letter, word, value_name, help, [&target](std::string_view text) -> std::optional<std::string> {
    target.emplace_back(text);
    return std::nullopt;
  });
}

void OptionSet::value(char letter, std::string_view word, std::string_view value_name, std::string_view help,
                      Accept accept) {
  options_.push_back({letter, word, value_name, help, section_, is_brief_, std::move(accept), true});
}

void OptionSet::not_built(char letter, std::string_view word) {
  options_.push_back({letter, word, {}, {}, {}, false, {}, false});
}

void OptionSet::section(std::string_view title, bool is_brief) {
  section_ = title;
  is_brief_ = is_brief;
}

const OptionSet::Option* OptionSet::find(char letter) const {
  const auto found = std::ranges::find(options_, letter, &Option::letter);
  return found == options_.end() ? nullptr : &*found;
}

const OptionSet::Option* OptionSet::find(std::string_view word) const {
  const auto found = std::ranges::find(options_, word, &Option::word);
  return found == options_.end() ? nullptr : &*found;
}

std::string OptionSet::advice() const {
  // "boxlite image ls [OPTIONS]" → "boxlite image ls --help"
  const auto end = page_.usage.find(" [");
  return fmt::format("{} --help", page_.usage.substr(0, end));
}

Ending OptionSet::unknown(std::string_view typed) const {
  std::vector<std::string_view> known{"help"};
  for (const auto& option : options_) {
    if (option.is_built && !option.word.empty()) known.push_back(option.word);
  }
  std::string message = fmt::format("unknown option {}", typed);
  if (typed.starts_with("--")) {
    const auto meant = nearest(typed.substr(2), known);
    if (!meant.empty()) message += fmt::format("; did you mean --{}?", meant);
  }
  return {exit_usage, std::move(message), advice()};
}

Ending OptionSet::not_built_yet(const Option& option) const {
  const auto spelled =
      option.word.empty() ? fmt::format("-{}", option.letter) : fmt::format("--{}", option.word);
  return {exit_failure, fmt::format("{} is not built yet: unsupported", spelled),
          fmt::format("leave it out; what works today: {}", advice())};
}

// One walk over the words of a command line.
class OptionSet::Scan {
 public:
  Scan(const OptionSet& set, const std::vector<std::string>& words) : set_(set), words_(words) {}

  Parsed<Arguments> run(OptionPlacement placement) {
    for (; next_ < words_.size(); ++next_) {
      const std::string_view word = words_[next_];
      if (word == "--") {
        arguments_.after_separator = arguments_.words.empty();
        ++next_;
        break;
      }
      const bool is_option = word.size() > 1 && word.front() == '-';
      if (!is_option) {
        if (placement == OptionPlacement::before_first_argument) break;
        arguments_.words.emplace_back(word);
        continue;
      }
      const auto problem = word.starts_with("--") ? long_option(word) : letters(word);
      if (problem) return std::unexpected(*problem);
    }
    for (; next_ < words_.size(); ++next_) arguments_.words.push_back(words_[next_]);
    return std::move(arguments_);
  }

 private:
  std::optional<Ending> long_option(std::string_view word) {
    const auto equals = word.find('=');
    const auto name = word.substr(2, equals == std::string_view::npos ? equals : equals - 2);
    if (name == "help") return Ending(exit_success, set_.help());
    const Option* option = name.empty() ? nullptr : set_.find(name);
    if (option == nullptr) return set_.unknown(word.substr(0, equals));
    if (!option->is_built) return set_.not_built_yet(*option);
    const auto spelled = word.substr(0, equals);
    if (equals != std::string_view::npos) return apply(*option, spelled, word.substr(equals + 1));
    if (option->value_name.empty()) return apply(*option, spelled, "true");
    return apply_next(*option, spelled);
  }

  std::optional<Ending> letters(std::string_view word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const auto spelled = fmt::format("-{}", word[i]);
      const Option* option = set_.find(word[i]);
      if (option == nullptr && word[i] == 'h') return Ending(exit_success, set_.help());
      if (option == nullptr)
        return set_.unknown(word.size() == 2 ? word : fmt::format("{} in {}", spelled, word));
      if (!option->is_built) return set_.not_built_yet(*option);
      if (option->value_name.empty()) {
        if (auto problem = apply(*option, spelled, "true")) return problem;
        continue;
      }
      const auto rest = word.substr(i + 1);
      if (rest.empty()) return apply_next(*option, spelled);
      return apply(*option, spelled, rest.starts_with('=') ? rest.substr(1) : rest);
    }
    return std::nullopt;
  }

  std::optional<Ending> apply_next(const Option& option, std::string_view spelled) {
    if (next_ + 1 >= words_.size()) {
      return Ending(exit_usage, fmt::format("option {} needs a value: {}", spelled, option.value_name),
                    set_.advice());
    }
    return apply(option, spelled, words_[++next_]);
  }

  std::optional<Ending> apply(const Option& option, std::string_view spelled, std::string_view value) {
    const auto problem = option.accept(value);
    if (!problem) return std::nullopt;
    return Ending(exit_usage, fmt::format("option {}: \"{}\" {}", spelled, value, *problem), set_.advice());
  }

  const OptionSet& set_;
  const std::vector<std::string>& words_;
  Arguments arguments_;
  std::size_t next_ = 0;
};

Parsed<Arguments> OptionSet::parse(const std::vector<std::string>& words, OptionPlacement placement) const {
  return Scan(*this, words).run(placement);
}

std::string OptionSet::help() const {
  std::string text = fmt::format("Usage:  {}\n\n{}\n", page_.usage, page_.sentence);
  std::size_t width = 0;
  for (const auto& option : options_) {
    if (option.is_brief) continue;
    width = std::max(width, left_column(option.letter, option.word, option.value_name).size());
  }
  std::string_view section;
  for (const auto& option : options_) {
    if (!option.is_built) continue;
    const bool is_first = option.section != section;
    section = option.section;
    if (is_first) text += fmt::format("\n{}:{}", section, option.is_brief ? " " : "\n");
    if (option.is_brief) {
      text += fmt::format("{}--{}", is_first ? "" : " ", option.word);
    } else {
      text += fmt::format("{:<{}}  {}\n", left_column(option.letter, option.word, option.value_name), width,
                          option.help);
    }
  }
  if (text.back() != '\n') text += '\n';
  if (!page_.example.empty()) text += fmt::format("\nExample:\n  $ {}\n", page_.example);
  return text;
}

}  // namespace boxlite::cli
