// SPDX-License-Identifier: Apache-2.0
// Users and groups of the container, by Docker's rules, from the text of its passwd and group files. The
// image wrote them: lines that make no sense are skipped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace boxlite::agent {

struct Account {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;  // supplementary
  std::string home = "/";
};

// `user` is name|uid[:[group|gid]]; empty means uid 0. A number needs no entry; its primary group is then 0.
// A group that is named takes the place of all others. The first matching line counts. invalid_argument for a
// name that is not there.
Result<Account> resolve_user(std::string_view user, std::string_view passwd, std::string_view group);

}  // namespace boxlite::agent
