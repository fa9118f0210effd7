// SPDX-License-Identifier: Apache-2.0
#include "journal/counters.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/time.h"
#include "linux/files/file_lock.h"

namespace boxlite::journal {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds lock_limit = 100ms;
constexpr std::uint64_t magic = 0x31544e434c584f42;  // "BOXLCNT1"

// The file: the magic number and the counters. A shorter one is of an older version; a longer one, of a
// newer, keeps what it has behind ours.
struct Block {
  std::uint64_t magic = 0;
  std::array<std::uint64_t, counter_count> values{};
};
static_assert(sizeof(Block) == 8 * (1 + counter_count), "read and written as it lies in memory");

Result<Block> read_block(int fd, const std::filesystem::path& file) {
  Block block;
  ssize_t count;
  do count = ::pread(fd, &block, sizeof block, 0);
  while (count < 0 && errno == EINTR);
  if (count < 0) return fail(syscall_error("read", file.native(), errno));
  // What a power cut has left of it says nothing.
  if (block.magic != magic) return Block{.magic = magic, .values = {}};
  const auto whole = static_cast<std::size_t>(count) / 8;
  for (auto i = std::max<std::size_t>(whole, 1) - 1; i < counter_count; ++i) block.values[i] = 0;
  return block;
}

}  // namespace

CounterValues& CounterValues::operator+=(const CounterValues& more) {
  for (std::size_t i = 0; i < counter_count; ++i) values_[i] += more.values_[i];
  return *this;
}

Result<void> Counters::add(const CounterValues& more) const {
  if (more.is_zero()) return {};
  const auto lock =
      BOXLITE_TRY(linux_::FileLock::acquire(file_, linux_::LockMode::exclusive, Deadline::after(lock_limit)));
  auto block = BOXLITE_TRY(read_block(lock.fd(), file_));
  for (std::size_t i = 0; i < counter_count; ++i) block.values[i] += more.values_[i];
  ssize_t count;
  do count = ::pwrite(lock.fd(), &block, sizeof block, 0);
  while (count < 0 && errno == EINTR);
  if (count != static_cast<ssize_t>(sizeof block)) {
    return fail(syscall_error("write", file_.native(), count < 0 ? errno : ENOSPC));
  }
  return {};
}

Result<void> Counters::add(Counter counter, std::uint64_t count) const {
  CounterValues more;
  more[counter] = count;
  return add(more);
}

Result<CounterValues> Counters::read() const {
  CounterValues values;
  const auto file = open_file(file_, O_RDONLY);
  if (!file && file.error().code() == ErrorCode::not_found) return values;
  if (!file) return std::unexpected(file.error());
  values.values_ = BOXLITE_TRY(read_block(file->get(), file_)).values;
  return values;
}

}  // namespace boxlite::journal
