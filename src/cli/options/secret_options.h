// SPDX-License-Identifier: Apache-2.0
// --secret and --secret-ca. A value is never an argument, which every process of the host could read.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boxlite/box_spec.hpp>

#include "cli/ending.h"
#include "cli/options/option_set.h"

namespace boxlite::cli {

// Where a value comes from, and all but the value.
struct SecretWish {
  enum class Source { variable, file, standard_input };
  Secret secret = {};
  Source source = Source::variable;
  std::string place = {};  // the variable or the file
};

// NAME=env:VARIABLE@HOST[,HOST…], NAME=file:PATH@…, NAME=-@…; the hosts follow the last "@". Errors name the
// secret, and nothing of what follows: it may be a value after all.
Parsed<SecretWish> parse_secret_option(std::string_view text);

// Gives the value; of a file or standard input without the newline at its end.
Parsed<std::string> read_secret(const SecretWish& wish);

// One thread; must outlive the parse.
class SecretOptions {
 public:
  void declare(OptionSet& options);
  // With their values. `takes_stdin`: the command of the box wants the standard input for itself.
  Parsed<std::vector<Secret>> secrets(bool takes_stdin) const;
  // As an absolute path; empty: none.
  std::string authorities() const;

 private:
  std::vector<std::string> texts_;
  std::string authorities_;
};

}  // namespace boxlite::cli
