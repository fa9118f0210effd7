// SPDX-License-Identifier: Apache-2.0
#include "image/archive/tar_contents.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "linux/readiness.h"
#include "oci/manifest.h"
#include "oci/media_type.h"

namespace boxlite::image {
namespace {

constexpr std::size_t max_name_bytes = 4096;
constexpr std::size_t max_known_entries = 100'000;
constexpr int max_link_steps = 16;
constexpr std::size_t input_size = 256 * 1024;

struct CloseArchive {
  void operator()(struct archive* handle) const { archive_read_free(handle); }
};

std::string reason(struct archive* handle) {
  const char* text = archive_error_string(handle);
  return text ? text : "unknown error";
}

std::string directory_of(const std::string& name) {
  const auto slash = name.rfind('/');
  return slash == std::string::npos ? std::string() : name.substr(0, slash + 1);
}

}  // namespace

std::optional<std::string> normal_name(std::string_view name) {
  std::vector<std::string_view> parts;
  while (!name.empty()) {
    const auto slash = std::min(name.find('/'), name.size());
    const auto part = name.substr(0, slash);
    name.remove_prefix(std::min(slash + 1, name.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (parts.empty()) return std::nullopt;
      parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  return join(parts, "/");
}

// One pass over the archive. Files that no image format needs are skipped unread.
class TarPass {
 public:
  TarPass(const BlobStore& store, const ArchiveOptions& options) : store_(store), options_(options) {}

  Result<TarContents> run(int archive_fd) {
    archive_read_support_format_tar(archive_.get());
    archive_read_support_filter_gzip(archive_.get());
    archive_read_support_filter_zstd(archive_.get());
    fd_ = archive_fd;
    if (archive_read_open2(archive_.get(), this, nullptr, &TarPass::read_more, &TarPass::skip, nullptr) !=
        ARCHIVE_OK) {
      if (is_stopped()) return cancelled();
      // libarchive's "unrecognized format"; its own name for the number is not public.
      if (archive_errno(archive_.get()) != EILSEQ) return broken();
      const auto why = reason(archive_.get());
      return fail(
          Error(ErrorCode::invalid_argument, concat("read archive: ", why))
              .with_remedy(
                  "give an OCI layout or docker save archive: tar, plain or compressed with gzip or zstd"));
    }
    struct archive_entry* entry = nullptr;
    while (true) {
      const int status = archive_read_next_header(archive_.get(), &entry);
      if (status == ARCHIVE_EOF) return std::move(contents_);
      if (status < ARCHIVE_WARN) return broken();
      if (++entries_ > options_.max_entries) {
        return fail(ErrorCode::resource_exhausted,
                    concat("read archive: more than ", options_.max_entries, " entries"));
      }
      BOXLITE_TRY(take(entry));
    }
  }

 private:
  bool is_stopped() const { return options_.stop.stop_requested(); }
  static std::unexpected<Error> cancelled() { return fail(ErrorCode::cancelled, "load image: cancelled"); }

  // A pipe may give nothing for long; a stop is heard meanwhile.
  static la_ssize_t read_more(struct archive* archive, void* self, const void** bytes) {
    auto& pass = *static_cast<TarPass*>(self);
    const auto until_stopped = Deadline::at(Deadline::Clock::time_point::max(), pass.options_.stop);
    while (true) {
      if (!linux_::wait_until_ready(pass.fd_, POLLIN, until_stopped) || pass.is_stopped()) {
        archive_set_error(archive, ECANCELED, "stopped");
        return -1;
      }
      const auto count = ::read(pass.fd_, pass.input_.data(), pass.input_.size());
      *bytes = pass.input_.data();
      if (count >= 0) return count;
      if (errno == EINTR || errno == EAGAIN) continue;
      archive_set_error(archive, errno, "read");
      return -1;
    }
  }

  // Of a file on disk; a pipe is read.
  static la_int64_t skip(struct archive*, void* self, la_int64_t count) {
    const int fd = static_cast<TarPass*>(self)->fd_;
    struct stat status = {};
    if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
    const auto at = ::lseek(fd, 0, SEEK_CUR);
    if (at < 0 || count > status.st_size - at) return 0;
    return ::lseek(fd, count, SEEK_CUR) < 0 ? 0 : count;
  }

  std::unexpected<Error> broken() {
    if (is_stopped()) return cancelled();
    return fail(Error(ErrorCode::corrupted, concat("read archive: ", reason(archive_.get())))
                    .with_remedy("the archive is damaged or cut short: make or download it again"));
  }

  Result<void> take(struct archive_entry* entry) {
    const char* raw = archive_entry_pathname(entry);
    if (!raw || std::string_view(raw).size() > max_name_bytes) return {};
    const auto name = normal_name(raw);
    if (!name || name->empty()) return {};
    if (contents_.blobs_.size() + contents_.links_.size() > max_known_entries) {
      return fail(ErrorCode::resource_exhausted, "read archive: too many blobs");
    }
    if (const char* target = archive_entry_hardlink(entry)) return take_link(*name, target, {});
    if (archive_entry_filetype(entry) == AE_IFLNK) {
      const char* target = archive_entry_symlink(entry);
      return target ? take_link(*name, target, directory_of(*name)) : Result<void>{};
    }
    if (archive_entry_filetype(entry) != AE_IFREG) return {};
    if (*name == "index.json" || *name == "manifest.json" || *name == "oci-layout")
      return take_document(*name);
    if (name->starts_with("blobs/")) return take_digest_blob(*name, archive_entry_size(entry));
    if (name->ends_with(".tar") || name->ends_with(".json") || name->ends_with(".tar.gz"))
      return take_blob(*name);
    return {};
  }

  Result<void> take_link(const std::string& name, std::string_view target, const std::string& directory) {
    if (target.size() > max_name_bytes || target.starts_with('/')) return {};
    if (auto resolved = normal_name(concat(directory, target)))
      contents_.links_.insert_or_assign(name, *std::move(resolved));
    return {};
  }

  template <typename Sink>
  Result<void> each_piece(Sink sink) {
    while (true) {
      if (is_stopped()) return cancelled();
      const auto count = archive_read_data(archive_.get(), buffer_.data(), buffer_.size());
      if (count < 0) return broken();
      if (count == 0) return {};
      total_ += static_cast<std::uint64_t>(count);
      if (total_ > options_.max_bytes) {
        return fail(
            ErrorCode::resource_exhausted,
            concat("read archive: it unpacks to more than the limit of ", options_.max_bytes, " bytes"));
      }
      BOXLITE_TRY(sink(std::string_view(buffer_.data(), static_cast<std::size_t>(count))));
    }
  }

  Result<void> take_document(const std::string& name) {
    std::string text;
    BOXLITE_TRY(each_piece([&](std::string_view piece) -> Result<void> {
      if (text.size() + piece.size() > 4 * oci::max_document_bytes) {
        return fail(ErrorCode::corrupted, concat("read archive: ", in_quotes(name), " is too large"));
      }
      text += piece;
      return {};
    }));
    contents_.documents_.insert_or_assign(name, std::move(text));
    return {};
  }

  // The name promises a digest: an unneeded copy is skipped, a lie is an error.
  Result<void> take_digest_blob(const std::string& name, std::int64_t size) {
    auto text = name.substr(std::string_view("blobs/").size());
    std::ranges::replace(text, '/', ':');
    const auto digest = oci::Digest::parse(text);
    if (!digest || size < 0 || static_cast<std::uint64_t>(size) > oci::max_blob_bytes) return {};
    const auto total = static_cast<std::uint64_t>(size);
    auto writer = BOXLITE_TRY(store_.fetch(*digest, total, options_.stop));
    Progress progress{digest->str(), 0, total, !writer};
    if (writer) {
      BOXLITE_TRY(writer->restart());
      BOXLITE_TRY_CONTEXT(concat("entry ", in_quotes(name)), fill(*writer, progress));
      BOXLITE_TRY_CONTEXT(concat("entry ", in_quotes(name)), writer->commit());
    }
    const auto first_bytes = BOXLITE_TRY(peek(*digest, total));
    report_end(progress);
    contents_.blobs_.insert_or_assign(name, TarBlob{*digest, total, first_bytes});
    return {};
  }

  Result<void> take_blob(const std::string& name) {
    auto writer = BOXLITE_TRY(store_.stage());
    Progress progress{name, 0, 0, false};
    BOXLITE_TRY_CONTEXT(concat("entry ", in_quotes(name)), fill(writer, progress));
    const auto size = writer.offset();
    const auto digest = BOXLITE_TRY(writer.commit());
    auto type = BOXLITE_TRY(peek(digest, size));
    progress.total = size;
    report_end(progress);
    contents_.blobs_.insert_or_assign(name, TarBlob{digest, size, std::move(type)});
    return {};
  }

  Result<void> fill(BlobWriter& writer, Progress& progress) {
    return each_piece([&](std::string_view piece) -> Result<void> {
      BOXLITE_TRY(writer.append(piece));
      progress.done = writer.offset();
      if (options_.progress && progress.done < progress.total) options_.progress(progress);
      return {};
    });
  }

  void report_end(Progress& progress) const {
    progress.done = progress.total;
    if (options_.progress) options_.progress(progress);
  }

  Result<std::string> peek(const oci::Digest& digest, std::uint64_t size) const;

  const BlobStore& store_;
  const ArchiveOptions& options_;
  std::unique_ptr<struct archive, CloseArchive> archive_{archive_read_new()};
  TarContents contents_;
  int fd_ = -1;  // borrowed
  std::vector<char> input_ = std::vector<char>(input_size);
  std::vector<char> buffer_ = std::vector<char>(256 * 1024);
  std::uint64_t entries_ = 0;
  std::uint64_t total_ = 0;
};

Result<std::string> TarPass::peek(const oci::Digest& digest, std::uint64_t size) const {
  const auto file = BOXLITE_TRY(store_.open_blob(digest, size));
  char first_bytes[4] = {};
  const auto count = ::pread(file.get(), first_bytes, sizeof first_bytes, 0);
  if (count < 0) return fail(syscall_error("read", digest.str(), errno));
  return std::string(
      oci::media_type::sniff_layer(std::string_view(first_bytes, static_cast<std::size_t>(count))));
}

Result<TarContents> TarContents::read(const BlobStore& store, int archive_fd, const ArchiveOptions& options) {
  return TarPass(store, options).run(archive_fd);
}

std::optional<std::string> TarContents::document(const std::string& name) const {
  const auto found = documents_.find(name);
  if (found == documents_.end()) return std::nullopt;
  return found->second;
}

Result<TarBlob> TarContents::blob(std::string_view name) const {
  auto current = normal_name(name);
  for (int step = 0; current && step < max_link_steps; ++step) {
    if (const auto found = blobs_.find(*current); found != blobs_.end()) return found->second;
    const auto link = links_.find(*current);
    if (link == links_.end()) break;
    current = link->second;
  }
  return fail(Error(ErrorCode::corrupted, concat("the archive lacks ", in_quotes(name)))
                  .with_remedy("the archive is incomplete: make it again"));
}

}  // namespace boxlite::image
