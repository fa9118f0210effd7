// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boxlite/runtime.hpp>

#include "cli/options/option_set.h"

namespace boxlite::cli {

// Which boxes `ls` shows: any of the values of one key, all of the keys,
// and of labels all. A value.
class BoxFilter {
 public:
  // "status=running", "name=we" (a part of it), "id=a1B2" (its beginning), "ancestor=debian:12" (its image;
  // without a tag, any of that name), "health=unhealthy", "label=key" (whatever its value),
  // "label=key=value".
  OptionSet::Accept accept();
  // Boxes that do not run are wanted as well: a status was named.
  bool wants_all() const { return !statuses_.empty(); }
  bool matches(const BoxInfo& box) const;

 private:
  std::vector<std::string> statuses_;
  std::vector<std::string> names_;
  std::vector<std::string> ids_;
  std::vector<std::string> images_;
  std::vector<std::string> healths_;
  std::vector<std::string> labels_;
};

}  // namespace boxlite::cli
