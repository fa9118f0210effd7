// SPDX-License-Identifier: Apache-2.0
#include "cli/call.h"

#include <fmt/format.h>

namespace boxlite::cli {

Parsed<Arguments> Call::parse(OptionSet& options, const ArgumentCount& count, OptionPlacement placement) {
  declare_global_options(options, global, true);
  auto arguments = options.parse(words, placement);
  if (!arguments) return arguments;
  if (arguments->words.size() < count.least) {
    return usage_error(fmt::format("missing argument: {}", count.wanted), options.advice());
  }
  if (arguments->words.size() > count.most) {
    return usage_error(fmt::format("unexpected argument \"{}\"", arguments->words[count.most]),
                       options.advice());
  }
  return arguments;
}

}  // namespace boxlite::cli
