// SPDX-License-Identifier: Apache-2.0
// links: tar base
// Any bytes as an archive that is unpacked: nothing may happen outside of the destination.
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/files.h"
#include "tar/place.h"
#include "tar/unpacker.h"

namespace {

using namespace boxlite;

class Input final : public tar::ByteStream {
 public:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}
  Result<std::string_view> next() override {
    const auto piece = bytes_.substr(0, 777);
    bytes_.remove_prefix(piece.size());
    return piece;
  }

 private:
  std::string_view bytes_;
};

void unpack(std::string_view bytes, const std::filesystem::path& destination) {
  Input input(bytes);
  tar::TarReader reader(input);
  auto first = reader.next();
  if (!first || !*first) return;
  const bool is_copy = !bytes.empty() && (bytes.back() & 1) != 0;
  const auto place = is_copy ? tar::find_destination(destination / "new", **first, std::nullopt)
                             : tar::find_directory(destination.native());
  if (!place) return;
  tar::Unpacker unpacker(place->directory.get(), {.max_bytes = 1u << 20}, place->first_part);
  (void)unpacker.unpack(reader, *std::move(*first));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A sparse file may claim any size.
  static const bool is_limited = [] {
    const rlimit limit{64u << 20, 64u << 20};
    return ::setrlimit(RLIMIT_FSIZE, &limit) == 0 && ::signal(SIGXFSZ, SIG_IGN) != SIG_ERR;
  }();
  (void)is_limited;
  const auto scratch = TempDir::create(std::filesystem::temp_directory_path(), "unpack-fuzz-");
  if (!scratch) return 0;
  const auto inside = scratch->path() / "inside";
  std::filesystem::create_directory(inside);
  unpack({reinterpret_cast<const char*>(data), size}, inside);
  std::size_t beside = 0;
  for (const auto& entry : std::filesystem::directory_iterator(scratch->path())) {
    (void)entry;
    ++beside;
  }
  if (beside != 1) std::abort();
  std::error_code ignored;
  // What was unpacked may be unreadable for its owner.
  for (auto place = std::filesystem::recursive_directory_iterator(
           inside, std::filesystem::directory_options::skip_permission_denied, ignored);
       place != std::filesystem::recursive_directory_iterator(); place.increment(ignored)) {
    if (place->is_directory(ignored) && !place->is_symlink(ignored))
      std::filesystem::permissions(place->path(), std::filesystem::perms::owner_all, ignored);
  }
  return 0;
}
