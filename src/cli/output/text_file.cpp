// SPDX-License-Identifier: Apache-2.0
#include "cli/output/text_file.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/terminal/descriptor.h"

namespace boxlite::cli {

Parsed<std::string> read_text_file(const std::string& path) {
  constexpr std::size_t limit = std::size_t{1} << 20;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return usage_error(fmt::format("open \"{}\": {}", path, std::strerror(errno)));
  std::string content;
  std::array<char, 16384> buffer;
  while (true) {
    const auto count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return usage_error(fmt::format("read \"{}\": {}", path, std::strerror(errno)));
    if (count == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(count));
    if (content.size() > limit) return usage_error(fmt::format("read \"{}\": more than 1 MiB", path));
  }
}

}  // namespace boxlite::cli
