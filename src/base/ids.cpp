// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"

#include <cerrno>
#include <cstdlib>

#include <sys/random.h>

namespace boxlite {

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t filled = 0;
  while (filled < count) {
    const ssize_t got = ::getrandom(bytes.data() + filled, count - filled, 0);
    if (got > 0)
      filled += static_cast<std::size_t>(got);
    else if (errno != EINTR)
      std::abort();
  }
  return bytes;
}

std::string new_id() {
  static constexpr char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string id;
  while (id.size() < 12) {
    for (const char c : random_bytes(16)) {
      // 248 is the largest multiple of 62 in a byte: rejecting the rest keeps the characters equally likely.
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 248 && id.size() < 12) id += alphabet[byte % 62];
    }
  }
  return id;
}

}  // namespace boxlite
