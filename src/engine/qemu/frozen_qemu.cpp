// SPDX-License-Identifier: Apache-2.0
#include "engine/qemu/frozen_qemu.h"

#include <algorithm>
#include <optional>

#include <fcntl.h>

#include "base/concat.h"
#include "base/files.h"
#include "engine/qemu/argv.h"
#include "jail/open_broker.h"

namespace boxlite::engine::qemu {
namespace {

// Those that every QEMU is spawned with.
bool is_spawned_with(int number) {
  return number == 1 || number == 2 || number == control_fd || number == agent_port_fd ||
         number == console_fd || number == lock_fd || number == link_fd || number == folders_port_fd ||
         number == jail::handed_out_fd;
}

struct NamedPath {
  std::string name;
  std::filesystem::path path;
};

// What a machine has of its own among the files.
std::vector<NamedPath> own_paths(const MachineSpec& spec) {
  std::vector<NamedPath> paths;
  for (std::size_t i = 0; i < spec.disks.size(); ++i)
    paths.push_back({concat("disk", i), spec.disks[i].path});
  return paths;
}

}  // namespace

freeze::Order freezing_order(pid_t pid, const MachineSpec& spec, const Snapshot& from, const Snapshot& into) {
  return {
      .pid = pid,
      .image = into.state,
      .pages = into.pages,
      .mapped_file =
          freeze::Order::MappedFile{.number = jail::handed_out_fd, .file = from.memory, .copy = into.memory},
      .name_given = [paths = own_paths(spec)](int number,
                                              const std::string& target) -> std::optional<std::string> {
        if (is_spawned_with(number)) return "spawned with";
        const auto found =
            std::ranges::find(paths, target, [](const auto& own) { return own.path.native(); });
        if (found == paths.end()) return std::nullopt;
        return found->name;
      }};
}

Result<UniqueFd> open_given(const MachineSpec& spec, const std::string& name, int flags) {
  const auto paths = own_paths(spec);
  const auto found = std::ranges::find(paths, name, &NamedPath::name);
  if (found != paths.end()) return open_file(found->path, flags);
  return fail(ErrorCode::corrupted, concat("thaw QEMU: nothing to give as ", in_quotes(name)));
}

}  // namespace boxlite::engine::qemu
