// SPDX-License-Identifier: Apache-2.0
// A program for boxes, statically linked: lists what is at PATH as the guest's kernel sees it.
//   file_lister /PATH
#include <cstdio>

#include "base/concat.h"
#include "file_listing.h"

int main(int count, char** words) {
  if (count != 2) return 2;
  for (const auto& [path, text] : boxlite::tests::list_directory("", words[1]))
    std::printf("%s %s\n", boxlite::in_quotes(path).c_str(), boxlite::in_quotes(text).c_str());
  return 0;
}
