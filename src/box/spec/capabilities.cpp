// SPDX-License-Identifier: Apache-2.0
#include "box/spec/capabilities.h"

#include <algorithm>
#include <bitset>
#include <iterator>

#include "base/concat.h"

namespace boxlite::box {
namespace {

struct Capability {
  std::string_view name;
  bool is_default;  // one of the fourteen that Docker grants
};

// By number, as in linux/capability.h.
constexpr Capability capabilities[] = {
    {"CHOWN", true},
    {"DAC_OVERRIDE", true},
    {"DAC_READ_SEARCH", false},
    {"FOWNER", true},
    {"FSETID", true},
    {"KILL", true},
    {"SETGID", true},
    {"SETUID", true},
    {"SETPCAP", true},
    {"LINUX_IMMUTABLE", false},
    {"NET_BIND_SERVICE", true},
    {"NET_BROADCAST", false},
    {"NET_ADMIN", false},
    {"NET_RAW", true},
    {"IPC_LOCK", false},
    {"IPC_OWNER", false},
    {"SYS_MODULE", false},
    {"SYS_RAWIO", false},
    {"SYS_CHROOT", true},
    {"SYS_PTRACE", false},
    {"SYS_PACCT", false},
    {"SYS_ADMIN", false},
    {"SYS_BOOT", false},
    {"SYS_NICE", false},
    {"SYS_RESOURCE", false},
    {"SYS_TIME", false},
    {"SYS_TTY_CONFIG", false},
    {"MKNOD", true},
    {"LEASE", false},
    {"AUDIT_WRITE", true},
    {"AUDIT_CONTROL", false},
    {"SETFCAP", true},
    {"MAC_OVERRIDE", false},
    {"MAC_ADMIN", false},
    {"SYSLOG", false},
    {"WAKE_ALARM", false},
    {"BLOCK_SUSPEND", false},
    {"AUDIT_READ", false},
    {"PERFMON", false},
    {"BPF", false},
    {"CHECKPOINT_RESTORE", false},
};

struct CapabilitySet {
  std::bitset<std::size(capabilities)> named;
  bool all = false;
};

std::string upper_without_prefix(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](char character) {
    return character >= 'a' && character <= 'z' ? static_cast<char>(character - 'a' + 'A') : character;
  });
  return upper.starts_with("CAP_") ? upper.substr(4) : upper;
}

Result<CapabilitySet> parse_names(std::string_view field, const std::vector<std::string>& names) {
  CapabilitySet set;
  for (const auto& text : names) {
    const auto wanted = upper_without_prefix(text);
    if (wanted == "ALL") {
      set.all = true;
      continue;
    }
    const auto* found = std::find_if(std::begin(capabilities), std::end(capabilities),
                                     [&](const Capability& capability) { return capability.name == wanted; });
    if (found == std::end(capabilities)) {
      return fail(ErrorCode::invalid_argument,
                  concat("capabilities.", field, " ", in_quotes(text),
                         " is no capability of Linux: use a name as in capabilities(7), or ALL"));
    }
    set.named.set(static_cast<std::size_t>(found - std::begin(capabilities)));
  }
  return set;
}

}  // namespace

Result<std::vector<std::string>> resolve_capabilities(const CapabilityChanges& changes, bool privileged) {
  const auto added = BOXLITE_TRY(parse_names("add", changes.add));
  const auto dropped = BOXLITE_TRY(parse_names("drop", changes.drop));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::size(capabilities); ++i) {
    // As with Docker, dropping ALL clears what is there by default; what is then added by name is meant.
    const bool is_there = !dropped.all && (privileged || capabilities[i].is_default || added.all);
    if ((is_there || added.named[i]) && !dropped.named[i])
      names.push_back(concat("CAP_", capabilities[i].name));
  }
  return names;
}

}  // namespace boxlite::box
