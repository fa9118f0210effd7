// SPDX-License-Identifier: Apache-2.0
#include "freeze/number_names.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "base/concat.h"

namespace boxlite::freeze {

Result<std::vector<int>> numbers_in(const std::string& directory) {
  std::vector<int> numbers;
  std::error_code failed;
  std::filesystem::directory_iterator entries(directory, failed);
  for (; !failed && entries != std::filesystem::directory_iterator(); entries.increment(failed)) {
    const auto name = entries->path().filename().native();
    int number = 0;
    std::from_chars(name.data(), name.data() + name.size(), number);
    numbers.push_back(number);
  }
  if (failed) return fail(ErrorCode::not_found, concat("freeze: ", directory, ": ", failed.message()));
  std::ranges::sort(numbers);
  return numbers;
}

}  // namespace boxlite::freeze
