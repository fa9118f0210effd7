// SPDX-License-Identifier: Apache-2.0
#include "agent/container/container_devices.h"

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/concat.h"

namespace boxlite::agent {
namespace {

std::vector<DeviceNode> basic_nodes() {
  const auto node = [](const char* name, unsigned major_number, unsigned minor_number) {
    return DeviceNode{name, S_IFCHR | 0666, makedev(major_number, minor_number)};
  };
  return {node("null", 1, 3), node("zero", 1, 5),   node("full", 1, 7),
          node("tty", 5, 0),  node("random", 1, 8), node("urandom", 1, 9)};
}

// Through the disk's own node a program would write below the file system that is mounted from it.
bool belongs_to_agent(std::string_view name) {
  return name.starts_with("vport") || name.starts_with("hvc") || name == "console" || name == "ptmx" ||
         name == "vda";
}

// The kernel makes a device when /dev/loop-control is asked for one, and its node in a /dev that is not the
// container's.
void add_loop_nodes(std::vector<DeviceNode>& nodes) {
  constexpr unsigned loop_major = 7;
  constexpr unsigned loop_count = 32;
  for (unsigned i = 0; i < loop_count; ++i)
    nodes.push_back({concat("loop", i), S_IFBLK | 0660, makedev(loop_major, i)});
}

void add_nodes_of(const std::string& directory, const std::string& prefix, std::vector<DeviceNode>& nodes) {
  DIR* const listing = ::opendir(directory.c_str());
  if (listing == nullptr) return;
  while (const dirent* entry = ::readdir(listing)) {
    const std::string_view name(entry->d_name);
    struct stat status = {};
    const auto path = concat(directory, "/", name);
    if (name == "." || name == ".." || ::lstat(path.c_str(), &status) != 0) continue;
    if (S_ISDIR(status.st_mode) && prefix.empty()) add_nodes_of(path, concat(name, "/"), nodes);
    if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) continue;
    if (prefix.empty() && belongs_to_agent(name)) continue;
    nodes.push_back({concat(prefix, name), status.st_mode, status.st_rdev});
  }
  ::closedir(listing);
}

Result<void> make_node(const DeviceNode& node) {
  const auto path = concat("/dev/", node.name);
  if (const auto slash = node.name.find('/'); slash != std::string::npos) {
    ::mkdir(concat("/dev/", node.name.substr(0, slash)).c_str(), 0755);
  }
  if (::mknod(path.c_str(), node.mode, node.device) != 0 && errno != EEXIST) {
    return fail(syscall_error("mknod", path, errno));
  }
  // The umask has taken some.
  ::chmod(path.c_str(), node.mode & 07777);
  return {};
}

}  // namespace

Result<std::vector<DeviceNode>> container_device_nodes(bool privileged) {
  auto nodes = basic_nodes();
  if (!privileged) return nodes;
  add_nodes_of("/dev", "", nodes);
  add_loop_nodes(nodes);
  return nodes;
}

Result<void> make_device_nodes(const std::vector<DeviceNode>& nodes) {
  for (const auto& node : nodes) BOXLITE_TRY(make_node(node));
  static constexpr std::array<std::pair<const char*, const char*>, 5> links{
      {{"/proc/self/fd", "/dev/fd"},
       {"/proc/self/fd/0", "/dev/stdin"},
       {"/proc/self/fd/1", "/dev/stdout"},
       {"/proc/self/fd/2", "/dev/stderr"},
       {"pts/ptmx", "/dev/ptmx"}}};
  for (const auto& [target, link] : links) {
    if (::symlink(target, link) != 0) return fail(syscall_error("symlink", link, errno));
  }
  return {};
}

}  // namespace boxlite::agent
