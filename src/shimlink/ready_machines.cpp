// SPDX-License-Identifier: Apache-2.0
#include "shimlink/ready_machines.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <vector>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/scope_exit.h"
#include "linux/files/file_copy.h"
#include "shimlink/shim_record.h"

namespace boxlite::shimlink {
namespace {

// From the directory of a machine to its lock.
constexpr std::chrono::seconds making_time{5};

bool is_plain_file(const std::filesystem::path& path) {
  struct stat status = {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

// What the box's directory holds already (locks that are held, above all) is in the other one as well, and
// the two change places.
Result<void> take_place(const std::filesystem::path& ready, const std::filesystem::path& box_dir) {
  for (const auto& file : entries_of(box_dir)) {
    const auto target = ready / file.filename();
    if (::link(file.c_str(), target.c_str()) != 0) return fail(syscall_error("link", file.native(), errno));
  }
  if (::renameat2(AT_FDCWD, ready.c_str(), AT_FDCWD, box_dir.c_str(), RENAME_EXCHANGE) != 0)
    return fail(syscall_error("rename", ready.native(), errno));
  return {};
}

bool is_older_than(const std::filesystem::path& path, std::chrono::seconds age) {
  std::error_code failed;
  const auto changed = std::filesystem::last_write_time(path, failed);
  return !failed && std::filesystem::file_time_type::clock::now() - changed > age;
}

}  // namespace

Result<AddedMachine> ReadyMachines::add(const std::string& shape, const std::filesystem::path& shim,
                                        ShimConfig config) {
  const auto id = new_id();
  const auto where = place(shape) / id;
  BOXLITE_TRY(make_directories(where));
  ScopeExit on_failure([&] { (void)remove_tree(where); });
  config.box_id = id;
  config.box_dir = where;
  config.awaits_claim = true;
  config.is_detached = false;
  config.folders.clear();
  config.machine.disks.front().path = where / "disk.qcow2";
  BOXLITE_TRY(linux_::copy_sparse(config.from->disk, config.machine.disks.front().path));
  auto process = BOXLITE_TRY(ShimProcess::spawn(shim, config));
  on_failure.release();
  return AddedMachine{std::move(process), where};
}

std::optional<ShimProcess> ReadyMachines::claim(const std::string& shape, const ShimConfig& config) {
  // A box that was started before, in vain, has more than can change places.
  if (!std::ranges::all_of(entries_of(config.box_dir), is_plain_file)) return std::nullopt;
  for (const auto& ready : entries_of(place(shape))) {
    auto claim = ShimClaim::begin(ready);
    if (!claim) continue;
    // From here on this machine is ours or nobody's.
    if (!take_place(ready, config.box_dir)) return std::nullopt;
    auto process = std::move(*claim).finish(config);
    (void)remove_tree(ready);
    if (process) return *std::move(process);
    return std::nullopt;
  }
  return std::nullopt;
}

std::size_t ReadyMachines::count(const std::string& shape) const {
  std::size_t found = 0;
  for (const auto& ready : entries_of(place(shape))) {
    const auto record = read_shim_record(ready);
    if (record && linux_::is_running(record->shim)) ++found;
  }
  return found;
}

void ReadyMachines::remove_leftovers() {
  for (const auto& shape : entries_of(directory_)) {
    for (const auto& ready : entries_of(shape)) {
      const auto is_alive = is_shim_alive(ready);
      if (!is_alive || *is_alive) continue;
      // One that is just being made is not locked yet.
      if (is_older_than(ready, making_time)) (void)remove_tree(ready);
    }
    ::rmdir(shape.c_str());
  }
}

}  // namespace boxlite::shimlink
