// SPDX-License-Identifier: Apache-2.0
#include "box/spec/ulimits.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>

#include "base/concat.h"

namespace boxlite::box {
namespace {

// Docker's.
constexpr std::array<std::string_view, 15> ulimit_names{
    "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
    "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"};

// fs.nr_open of the guest: no process may have more open files, root's neither.
constexpr std::uint64_t most_files = 1u << 20;

std::string text_of(std::uint64_t value) {
  return value == unlimited ? std::string("unlimited") : concat(value);
}

std::string kernel_name(std::string_view name) {
  std::string text = "RLIMIT_";
  for (const char letter : name) text += static_cast<char>(letter - 'a' + 'A');
  return text;
}

Result<void> check_ulimit(const Ulimit& limit) {
  const auto what = concat("ulimit ", in_quotes(limit.name));
  if (std::ranges::find(ulimit_names, limit.name) == ulimit_names.end()) {
    std::string all;
    for (const auto name : ulimit_names) all += concat(all.empty() ? "" : ", ", name);
    return fail(Error(ErrorCode::invalid_argument, concat(what, " is not known"))
                    .with_remedy(concat("choose of ", all)));
  }
  if (limit.soft > limit.hard) {
    return fail(ErrorCode::invalid_argument, concat(what, ": the soft limit ", text_of(limit.soft),
                                                    " is above the hard limit ", text_of(limit.hard)));
  }
  const bool is_too_high = limit.hard != unlimited && limit.hard > most_files;
  if (limit.name == "nofile" && is_too_high) {
    return fail(
        Error(ErrorCode::invalid_argument, concat(what, ": ", limit.hard, " is more than a process can have"))
            .with_remedy(concat("ask for at most ", most_files, ", or for unlimited")));
  }
  return {};
}

}  // namespace

Result<void> check_ulimits(const std::vector<Ulimit>& ulimits) {
  std::set<std::string_view> names;
  for (const auto& limit : ulimits) {
    BOXLITE_TRY(check_ulimit(limit));
    if (!names.insert(limit.name).second)
      return fail(ErrorCode::invalid_argument, concat("ulimit ", in_quotes(limit.name), " is there twice"));
  }
  return {};
}

void add_ulimits(const std::vector<Ulimit>& ulimits, wire::msg::ContainerSpec& container) {
  for (const auto& limit : ulimits) {
    const auto most = limit.name == "nofile" ? most_files : unlimited;
    auto& entry = *container.add_rlimits();
    entry.set_name(kernel_name(limit.name));
    entry.set_soft(std::min(limit.soft, most));
    entry.set_hard(std::min(limit.hard, most));
  }
}

}  // namespace boxlite::box
