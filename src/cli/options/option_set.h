// SPDX-License-Identifier: Apache-2.0
// The options of one command: what they are called, where their values go, and the help page made from them.
//
// The rules are Docker's: `-it` is `-i -t`, `-eA=1`, `-e A=1`, `--env A=1` and `--env=A=1` are the same, `--`
// ends the options. A command that runs another command (run, exec) takes its own options only before the
// first argument, so that everything after it reaches the box untouched.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/ending.h"

namespace boxlite::cli {

enum class OptionPlacement {
  anywhere,               // options and arguments may be mixed
  before_first_argument,  // all from the first argument on is somebody else's
};

// What remains when the options are taken out.
struct Arguments {
  std::vector<std::string> words;
  // `--` stood before the first of them.
  bool after_separator = false;
};

// What a help page says besides the options. All text is static.
struct HelpPage {
  std::string_view usage;     // "boxlite pull [OPTIONS] IMAGE"
  std::string_view sentence;  // what the command does
  std::string_view example;   // one command line
};

// One thread. References given to flag(), text() and list() must outlive the parse.
class OptionSet {
 public:
  // Empty when the value is good, else what is wrong with it ("is not a number").
  using Accept = std::function<std::optional<std::string>(std::string_view value)>;

  explicit OptionSet(const HelpPage& page) : page_(page) {}

  // `letter` is 0 for none; `word` comes without its dashes.
  void flag(char letter, std::string_view word, bool& target, std::string_view help);
  void text(char letter, std::string_view word, std::string_view value_name, std::string& target,
            std::string_view help);
  void list(char letter, std::string_view word, std::string_view value_name, std::vector<std::string>& target,
            std::string_view help);
  void value(char letter, std::string_view word, std::string_view value_name, std::string_view help,
             Accept accept);
  // Options that people know from Docker and that BoxLite cannot do yet: naming one is an error that says so,
  // because to ignore one could lose data or open a hole.
  void not_built(char letter, std::string_view word);
  // Starts a new heading in the help. Of a brief section only the names are shown.
  void section(std::string_view title, bool is_brief = false);

  // `--help` gives an Ending with exit code 0.
  Parsed<Arguments> parse(const std::vector<std::string>& words,
                          OptionPlacement placement = OptionPlacement::anywhere) const;

  std::string help() const;
  // "boxlite pull --help"
  std::string advice() const;

 private:
  struct Option {
    char letter = 0;
    std::string_view word;
    std::string_view value_name;  // empty: a flag
    std::string_view help;
    std::string_view section;
    bool is_brief = false;
    Accept accept;
    bool is_built = true;
  };

  class Scan;
  const Option* find(char letter) const;
  const Option* find(std::string_view word) const;
  Ending unknown(std::string_view typed) const;
  Ending not_built_yet(const Option& option) const;

  HelpPage page_;
  std::vector<Option> options_;
  std::string_view section_ = "Options";
  bool is_brief_ = false;
};

}  // namespace boxlite::cli
