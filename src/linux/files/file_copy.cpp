// SPDX-License-Identifier: Apache-2.0
#include "linux/files/file_copy.h"

#include <cerrno>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/files.h"
#include "base/scope_exit.h"

namespace boxlite::linux_ {
namespace {

Result<void> copy_stretch(int from, int to, off_t begin, off_t end, const std::filesystem::path& name) {
  off_t in = begin;
  off_t out = begin;
  while (in < end) {
    const auto count = ::copy_file_range(from, &in, to, &out, static_cast<std::size_t>(end - in), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail(syscall_error("copy", name.native(), count < 0 ? errno : EIO));
  }
  return {};
}

Result<void> copy_data(int from, int to, const std::filesystem::path& name) {
  const auto size = ::lseek(from, 0, SEEK_END);
  if (size < 0 || ::ftruncate(to, size) != 0) return fail(syscall_error("copy", name.native(), errno));
  return for_each_stretch(from, name,
                          [&](off_t begin, off_t end) { return copy_stretch(from, to, begin, end, name); });
}

}  // namespace

Result<void> for_each_stretch(int fd, const std::filesystem::path& name,
                              const std::function<Result<void>(off_t begin, off_t end)>& visit) {
  for (off_t at = 0;;) {
    const auto begin = ::lseek(fd, at, SEEK_DATA);
    if (begin < 0 && errno == ENXIO) return {};  // nothing but a hole, or the end
    const auto end = begin < 0 ? begin : ::lseek(fd, begin, SEEK_HOLE);
    if (end < 0) return fail(syscall_error("seek", name.native(), errno));
    BOXLITE_TRY(visit(begin, end));
    at = end;
  }
}

Result<void> copy_sparse(const std::filesystem::path& from, const std::filesystem::path& to) {
  const auto source = BOXLITE_TRY(open_file(from, O_RDONLY | O_NOFOLLOW));
  const auto target = BOXLITE_TRY(open_file(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW));
  ScopeExit remove([&] { ::unlink(to.c_str()); });
  if (::ioctl(target.get(), FICLONE, source.get()) != 0)
    BOXLITE_TRY(copy_data(source.get(), target.get(), from));
  remove.release();
  return {};
}

}  // namespace boxlite::linux_
