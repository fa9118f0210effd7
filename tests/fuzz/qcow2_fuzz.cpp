// SPDX-License-Identifier: Apache-2.0
// links: qcow2 base
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "qcow2/header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  // Once as a whole file, once as the start of a large one.
  for (const std::uint64_t file_size : {std::uint64_t{size}, std::uint64_t{1} << 40}) {
    const auto header = boxlite::qcow2::parse_header(input, file_size);
    if (header && (header->backing_file.size() > 1023 || header->virtual_size > std::uint64_t{16} << 40))
      std::abort();
  }
  return 0;
}
