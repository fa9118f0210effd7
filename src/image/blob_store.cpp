// SPDX-License-Identifier: Apache-2.0
#include "image/blob_store.h"

#include <cerrno>
#include <ctime>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/ids.h"

namespace boxlite::image {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view layout_version = R"({"imageLayoutVersion":"1.0.0"})";
// A download that nobody continued, or a file that nobody renamed, for this long is given up by the next
// sweep.
constexpr std::time_t leftover_lifetime_seconds = 24 * 3600;

std::string file_name(const oci::Digest& digest) {
  return concat(oci::name(digest.algorithm()), "-", digest.hex());
}

fs::path blob_path(const fs::path& root, const oci::Digest& digest) {
  return root / "blobs" / oci::name(digest.algorithm()) / digest.hex();
}

std::string in_store(const oci::Digest& digest) {
  return concat("blob ", digest.str(), " of the image store");
}

bool is_cancelled_wait(const Error& error) {
  return error.code() == ErrorCode::timed_out;
}

// Waits in slices, so that a stop request is seen.
Result<linux_::FileLock> wait_for_lock(const fs::path& path, const std::stop_token& stop) {
  while (true) {
    auto lock = linux_::FileLock::acquire(path, linux_::LockMode::exclusive,
                                          Deadline::after(std::chrono::milliseconds(200)));
    if (lock || !is_cancelled_wait(lock.error())) return lock;
    if (stop.stop_requested())
      return fail(ErrorCode::cancelled, "wait for another process that downloads the blob: cancelled");
  }
}

}  // namespace

BlobWriter::BlobWriter(fs::path root, fs::path path, UniqueFd file)
    : root_(std::move(root)), path_(std::move(path)), file_(std::move(file)) {}

BlobWriter::BlobWriter(BlobWriter&&) noexcept = default;

BlobWriter::~BlobWriter() {
  if (file_.is_open() && !expected_) ::unlink(path_.c_str());
}

Result<void> BlobWriter::append(std::string_view bytes) {
  if (expected_ && bytes.size() > expected_size_ - offset_) {
    BOXLITE_TRY(restart());
    return fail(ErrorCode::corrupted,
                concat("blob ", expected_->str(), ": more than the promised ", expected_size_, " bytes"));
  }
  if (auto written = write_all(file_.get(), bytes, path_.native()); !written) {
    // A part that fills the disk would keep the user from everything else, until a sweep.
    if (written.error().code() == ErrorCode::resource_exhausted) BOXLITE_TRY(restart());
    return written;
  }
  hasher_.update(bytes);
  offset_ += bytes.size();
  return {};
}

Result<void> BlobWriter::restart() {
  if (::ftruncate(file_.get(), 0) != 0) return fail(syscall_error("ftruncate", path_.native(), errno));
  if (::lseek(file_.get(), 0, SEEK_SET) != 0) return fail(syscall_error("lseek", path_.native(), errno));
  hasher_.reset();
  offset_ = 0;
  return {};
}

// A file with holes (the machine lost power) is not noticed here but by its digest at the end.
Result<void> BlobWriter::hash_what_is_there() {
  std::string buffer(256 * 1024, '\0');
  while (true) {
    const ssize_t count = ::read(file_.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(syscall_error("read", path_.native(), errno));
    if (count == 0) break;
    hasher_.update(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
    offset_ += static_cast<std::uint64_t>(count);
    if (offset_ > expected_size_) return restart();
  }
  return {};
}

Result<oci::Digest> BlobWriter::commit() {
  if (expected_ && offset_ != expected_size_) {
    return fail(ErrorCode::corrupted,
                concat("blob ", expected_->str(), ": ", offset_, " bytes instead of ", expected_size_));
  }
  oci::Digest digest = hasher_.finish();
  hasher_.reset();
  if (expected_ && digest != *expected_) {
    BOXLITE_TRY(restart());
    return fail(ErrorCode::corrupted,
                concat("blob ", expected_->str(), ": the bytes have the digest ", digest.str()));
  }
  if (::fsync(file_.get()) != 0) return fail(syscall_error("fsync", path_.native(), errno));
  const fs::path target = blob_path(root_, digest);
  if (::rename(path_.c_str(), target.c_str()) != 0)
    return fail(syscall_error("rename to", target.native(), errno));
  file_.reset();
  BOXLITE_TRY(fsync_directory(target.parent_path()));
  return digest;
}

Result<BlobStore> BlobStore::open(fs::path root) {
  for (const auto* name : {"blobs/sha256", "blobs/sha512", "tmp", "locks"})
    BOXLITE_TRY(make_directories(root / name));
  if (::access((root / "oci-layout").c_str(), F_OK) != 0) {
    BOXLITE_TRY(write_file_atomic(root / "oci-layout", layout_version, 0644));
  }
  return BlobStore(std::move(root));
}

fs::path BlobStore::path_of(const oci::Digest& digest) const {
  return blob_path(root_, digest);
}

Result<Lease> BlobStore::lease() const {
  return Lease(BOXLITE_TRY(linux_::FileLock::acquire(root_ / "gc.lock", linux_::LockMode::shared,
                                                     Deadline::after(std::chrono::minutes(2)))));
}

Result<bool> BlobStore::contains(const oci::Digest& digest, std::uint64_t size) const {
  const auto path = path_of(digest);
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return false;
    return fail(syscall_error("stat", path.native(), errno));
  }
  if (static_cast<std::uint64_t>(status.st_size) == size) return true;
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail(syscall_error("unlink", path.native(), errno));
  return false;
}

Result<UniqueFd> BlobStore::open_blob(const oci::Digest& digest, std::uint64_t size) const {
  auto file = BOXLITE_TRY_CONTEXT(in_store(digest), open_file(path_of(digest), O_RDONLY));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail(syscall_error("fstat", in_store(digest), errno));
  if (static_cast<std::uint64_t>(status.st_size) != size) {
    return fail(Error(ErrorCode::corrupted,
                      concat(in_store(digest), ": ", status.st_size, " bytes instead of ", size))
                    .with_remedy("pull or load the image again"));
  }
  return file;
}

Result<std::string> BlobStore::read(const oci::Digest& digest, std::size_t limit) const {
  auto bytes = BOXLITE_TRY_CONTEXT(in_store(digest), read_file(path_of(digest), limit));
  const auto found = oci::Digest::of(bytes, digest.algorithm());
  if (found != digest) {
    return fail(
        Error(ErrorCode::corrupted, concat(in_store(digest), ": the bytes have the digest ", found.str()))
            .with_remedy("pull or load the image again"));
  }
  return bytes;
}

Result<oci::Digest> BlobStore::put(std::string_view bytes) const {
  auto digest = oci::Digest::of(bytes);
  const bool is_there = BOXLITE_TRY(contains(digest, bytes.size()));
  if (is_there) return digest;
  auto writer = BOXLITE_TRY(stage());
  BOXLITE_TRY(writer.append(bytes));
  return writer.commit();
}

Result<std::optional<BlobWriter>> BlobStore::fetch(const oci::Digest& digest, std::uint64_t size,
                                                   const std::stop_token& stop) const {
  const bool was_there = BOXLITE_TRY(contains(digest, size));
  if (was_there) return std::nullopt;
  auto lock = BOXLITE_TRY(wait_for_lock(root_ / "locks" / file_name(digest), stop));
  const bool is_there = BOXLITE_TRY(contains(digest, size));
  if (is_there) return std::nullopt;
  const auto path = root_ / "tmp" / concat(file_name(digest), ".part");
  auto file = BOXLITE_TRY(open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW));
  BlobWriter writer(root_, path, std::move(file));
  writer.hasher_ = oci::Hasher(digest.algorithm());
  writer.expected_ = digest;
  writer.expected_size_ = size;
  writer.lock_ = std::move(lock);
  BOXLITE_TRY(writer.hash_what_is_there());
  return std::optional<BlobWriter>(std::move(writer));
}

Result<BlobWriter> BlobStore::stage() const {
  const auto path = root_ / "tmp" / concat(new_id(), ".new");
  auto file = BOXLITE_TRY(open_file(path, O_RDWR | O_CREAT | O_EXCL));
  return BlobWriter(root_, path, std::move(file));
}

namespace {

class Sweeper {
 public:
  Sweeper(const fs::path& root, bool dry_run) : root_(root), dry_run_(dry_run) {}

  Result<void> sweep_blobs(oci::DigestAlgorithm algorithm, const std::set<oci::Digest>& keep) {
    return each_file(root_ / "blobs" / oci::name(algorithm),
                     [&](const std::string& name, const struct stat&) {
                       const auto digest = oci::Digest::parse(concat(oci::name(algorithm), ":", name));
                       return !digest || !keep.contains(*digest);
                     });
  }

  // Nobody writes into tmp and locks now: that needs a lease. Files beside index.json may be in use all the
  // same.
  Result<void> sweep_leftovers() {
    const auto now = std::time(nullptr);
    const auto is_old = [now](const struct stat& status) {
      return now - status.st_mtime > leftover_lifetime_seconds;
    };
    BOXLITE_TRY(each_file(root_ / "tmp", [&](const std::string& name, const struct stat& status) {
      return !name.ends_with(".part") || is_old(status);
    }));
    BOXLITE_TRY(each_file(root_ / "locks", [](const std::string&, const struct stat&) { return true; }));
    return each_file(root_, [&](const std::string& name, const struct stat& status) {
      return name.ends_with(".tmp") && is_old(status);
    });
  }

  SweepReport report() const { return report_; }

 private:
  Result<void> each_file(const fs::path& directory,
                         const std::function<bool(const std::string&, const struct stat&)>& is_garbage) {
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
      struct stat status{};
      if (::lstat(entry->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
      if (!is_garbage(entry->path().filename().native(), status)) continue;
      if (!dry_run_ && ::unlink(entry->path().c_str()) != 0) {
        return fail(syscall_error("unlink", entry->path().native(), errno));
      }
      if (status.st_size > 0) report_.bytes += static_cast<std::uint64_t>(status.st_size);
      if (directory.parent_path().filename() == "blobs") ++report_.blobs;
    }
    if (error) return fail(syscall_error("list", directory.native(), error.value()));
    return {};
  }

  const fs::path& root_;
  bool dry_run_;
  SweepReport report_;
};

}  // namespace

Result<SweepReport> BlobStore::sweep(const std::function<Result<std::set<oci::Digest>>()>& referenced,
                                     bool dry_run) const {
  const auto lock =
      BOXLITE_TRY(linux_::FileLock::try_acquire(root_ / "gc.lock", linux_::LockMode::exclusive));
  const auto keep = BOXLITE_TRY(referenced());
  Sweeper sweeper(root_, dry_run);
  BOXLITE_TRY(sweeper.sweep_blobs(oci::DigestAlgorithm::sha256, keep));
  BOXLITE_TRY(sweeper.sweep_blobs(oci::DigestAlgorithm::sha512, keep));
  BOXLITE_TRY(sweeper.sweep_leftovers());
  return sweeper.report();
}

}  // namespace boxlite::image
