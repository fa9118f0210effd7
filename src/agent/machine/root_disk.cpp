// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "agent/machine/console.h"
#include "agent/machine/machine.h"
#include "base/concat.h"
#include "base/files.h"
#include "base/time.h"
#include "linux/files/mounts.h"

namespace boxlite::agent {
namespace {

// _IOW('f', 16, __u64) of fs/ext4/ext4.h; no header carries it.
constexpr unsigned long ext4_ioc_resize_fs = _IOW('f', 16, std::uint64_t);
constexpr off_t superblock_offset = 1024;

struct Extent {
  std::uint64_t block_size = 0;
  std::uint64_t blocks = 0;
};

template <typename Number>
Number little_endian(const char* bytes) {
  Number value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// How large the file system thinks it is. The disk is hostile: nothing of it is trusted beyond a plausible
// number.
Result<Extent> read_extent(int device_fd, const std::string& device) {
  std::array<char, 1024> block{};
  if (::pread(device_fd, block.data(), block.size(), superblock_offset) !=
      static_cast<ssize_t>(block.size())) {
    return fail(syscall_error("read", device, errno));
  }
  const auto magic = little_endian<std::uint16_t>(&block[0x38]);
  const auto block_bits = little_endian<std::uint32_t>(&block[0x18]);
  if (magic != 0xef53 || block_bits > 6) {
    return fail(ErrorCode::corrupted, concat("read ", in_quotes(device), ": not an ext4 file system"));
  }
  const bool has_64bit = (little_endian<std::uint32_t>(&block[0x60]) & 0x80) != 0;
  const auto low = little_endian<std::uint32_t>(&block[0x4]);
  const auto high = has_64bit ? little_endian<std::uint32_t>(&block[0x150]) : 0u;
  return Extent{std::uint64_t{1024} << block_bits, (std::uint64_t{high} << 32) | low};
}

Result<void> grow(int root_fd, int device_fd, const std::string& device, const Extent& extent) {
  std::uint64_t device_bytes = 0;
  if (::ioctl(device_fd, BLKGETSIZE64, &device_bytes) != 0)
    return fail(syscall_error("ioctl", device, errno));
  std::uint64_t blocks = device_bytes / extent.block_size;
  if (blocks <= extent.blocks) return {};
  if (::ioctl(root_fd, ext4_ioc_resize_fs, &blocks) != 0)
    return fail(syscall_error("grow file system", device, errno));
  return {};
}

}  // namespace

Result<void> mount_root_disk(const std::string& device) {
  const auto device_fd = BOXLITE_TRY(open_file(device, O_RDONLY));
  // A restored machine may remember blocks of the disk that its template had.
  ::ioctl(device_fd.get(), BLKFLSBUF, 0);
  const auto extent = BOXLITE_TRY(read_extent(device_fd.get(), device));
  // noinit_itable: zeroing unused inode tables would fill the sparse image. discard: what is deleted inside
  // becomes free on the host again. noatime: reading writes nothing. no_prefetch_block_bitmaps: no thread
  // that reads ahead what most boxes never need.
  const auto mount = BOXLITE_TRY(linux_::new_mount(
      "ext4", {{"source", device}, {"noinit_itable", ""}, {"no_prefetch_block_bitmaps", ""}, {"discard", ""}},
      MOUNT_ATTR_NOATIME));
  const auto target = BOXLITE_TRY(open_file(root_dir, O_PATH));
  BOXLITE_TRY(linux_::attach_mount(mount.get(), target.get()));
  const auto root = BOXLITE_TRY(open_file(root_dir, O_RDONLY | O_DIRECTORY));
  // The box works at its old size as well.
  if (const auto done = grow(root.get(), device_fd.get(), device, extent); !done)
    log_line(done.error().message());
  return {};
}

// Made read-only first: other mount namespaces may go on holding the file system after an unmount, for as
// long as the kernel takes to clean them up, and the disk would not be clean when the power goes. What cannot
// be made read-only (the host's disk is full, and metadata cannot be written to its place) is not unmounted:
// ext4 would mark it clean although its journal still has to be replayed (put_super of Linux 6.12 looks for
// an aborted journal before it lets the journal end), and the next mount would throw the journal away. The
// next mount replays it instead.
void unmount_root_disk() {
  const auto deadline = Deadline::after(std::chrono::seconds(1));
  while (::mount(nullptr, root_dir, nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
    if (errno == EINVAL) return;  // never mounted
    if (errno != EBUSY || deadline.has_passed()) {
      log_line(syscall_error("remount read-only", root_dir, errno).message());
      if (const auto root = open_file(root_dir, O_RDONLY | O_DIRECTORY)) ::syncfs(root->get());
      return;
    }
    const timespec pause{0, 2'000'000};
    ::nanosleep(&pause, nullptr);
  }
  ::umount2(root_dir, MNT_DETACH);
}

}  // namespace boxlite::agent
