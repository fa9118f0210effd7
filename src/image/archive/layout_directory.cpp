// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "image/archive/layout_reader.h"

namespace boxlite::image {
namespace {

namespace fs = std::filesystem;

class DirectorySource : public BlobSource {
 public:
  DirectorySource(const BlobStore& store, fs::path directory, const ArchiveOptions& options)
      : store_(store), directory_(std::move(directory)), options_(options) {}

  Result<void> bring(const oci::Digest& digest, std::uint64_t size) override {
    auto writer = BOXLITE_TRY(store_.fetch(digest, size, options_.stop));
    Progress progress{digest.str(), 0, size, !writer};
    if (writer) {
      BOXLITE_TRY(writer->restart());
      const auto path = directory_ / "blobs" / oci::name(digest.algorithm()) / digest.hex();
      BOXLITE_TRY(copy(path, *writer, progress));
      BOXLITE_TRY_CONTEXT(concat("read ", in_quotes(path.native())), writer->commit());
    }
    progress.done = size;
    if (options_.progress) options_.progress(progress);
    return {};
  }

 private:
  Result<void> copy(const fs::path& path, BlobWriter& writer, Progress& progress) const {
    const auto file = BOXLITE_TRY(open_file(path, O_RDONLY | O_NONBLOCK));
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return fail(syscall_error("fstat", path.native(), errno));
    if (!S_ISREG(status.st_mode)) {
      return fail(ErrorCode::corrupted, concat("read ", in_quotes(path.native()), ": not a regular file"));
    }
    std::string buffer(256 * 1024, '\0');
    while (true) {
      if (options_.stop.stop_requested()) return fail(ErrorCode::cancelled, "load image: cancelled");
      const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail(syscall_error("read", path.native(), errno));
      if (count == 0) return {};
      BOXLITE_TRY(writer.append(std::string_view(buffer.data(), static_cast<std::size_t>(count))));
      progress.done = writer.offset();
      if (options_.progress && progress.done < progress.total) options_.progress(progress);
    }
  }

  const BlobStore& store_;
  fs::path directory_;
  const ArchiveOptions& options_;
};

}  // namespace

Result<std::vector<FoundImage>> read_layout_directory(const BlobStore& store, const fs::path& directory,
                                                      const ArchiveOptions& options) {
  auto text = read_file(directory / "index.json");
  if (!text) {
    return fail(
        std::move(text)
            .error()
            .context("read OCI layout")
            .with_remedy("give the directory that holds oci-layout and index.json, or a tar archive"));
  }
  const auto index = BOXLITE_TRY(oci::parse_index(*text));
  DirectorySource source(store, directory, options);
  return read_layout(store, source, index, options);
}

}  // namespace boxlite::image
