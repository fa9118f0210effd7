// SPDX-License-Identifier: Apache-2.0
// links: wire
// Frames from the other side, however they are cut: the first byte says how.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "wire/frame.h"
#include "wire/method.h"

using namespace boxlite;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] + std::size_t{1};
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  wire::FrameReader reader;
  wire::FrameWriter again;
  while (!bytes.empty()) {
    const auto room = reader.prepare();
    if (room.empty()) std::abort();
    const auto count = std::min({room.size(), bytes.size(), step});
    std::memcpy(room.data(), bytes.data(), count);
    reader.commit(count);
    bytes.remove_prefix(count);
    while (true) {
      const auto frame = reader.next();
      if (!frame) return 0;
      if (!*frame) break;
      const auto& [header, payload] = **frame;
      if (header.stream == 0 || payload.size() != header.length) std::abort();
      if (payload.size() > wire::payload_limit(header.type)) std::abort();
      again.append(header, payload);
      if (header.type == wire::FrameType::window) (void)wire::decode_window(payload);
      if (header.type == wire::FrameType::response) (void)wire::parse_response<wire::ExecWait>(payload);
    }
  }
  return 0;
}
