// SPDX-License-Identifier: Apache-2.0
// links: image oci linux base
// A whole archive from front to back into a real store, which must be readable afterwards whatever came.
#include <cstdint>
#include <cstdlib>
#include <filesystem>

#include <sys/mman.h>
#include <unistd.h>

#include "base/files.h"
#include "image/image_store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace boxlite;
  const std::filesystem::path parent =
      std::filesystem::exists("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
  const auto directory = TempDir::create(parent, "boxlite-fuzz-");
  if (!directory) std::abort();
  image::StoreOptions options;
  options.max_archive_bytes = 1u << 20;
  const auto store = image::ImageStore::open(directory->path(), std::move(options));
  if (!store) std::abort();
  const UniqueFd archive(::memfd_create("archive", MFD_CLOEXEC));
  const std::string_view content(reinterpret_cast<const char*>(bytes), size);
  if (!write_all(archive.get(), content, "archive") || ::lseek(archive.get(), 0, SEEK_SET) != 0) std::abort();
  const auto loaded = store->load_stream(archive.get(), {});
  const auto listed = store->list();
  if (!listed) std::abort();
  if (loaded && listed->empty()) std::abort();
  if (!store->prune({.all = true}) || !store->list()->empty()) std::abort();
  return 0;
}
