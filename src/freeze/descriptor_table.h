// SPDX-License-Identifier: Apache-2.0
// The descriptors of a process that is frozen, and how they are made again.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freeze/process_image.h"

namespace boxlite::freeze {

struct NamedDescriptor {
  Descriptor descriptor;
  std::string name = {};                       // of a file: its path; of one that is given: what it is
  std::optional<std::uint64_t> event_id = {};  // of an eventfd; descriptors of one have the same
};

// What a descriptor is to whoever thaws the process and has another one to give in its place, by its number
// and what it leads to; nothing: one like it is made.
using NameGiven = std::function<std::optional<std::string>(int number, const std::string& target)>;

// Looks at each descriptor of a process. unsupported names one that cannot be made again.
Result<std::vector<NamedDescriptor>> descriptors_of(pid_t pid, const NameGiven& name_given);

// Of /proc/<pid>/fdinfo/<number> (proc(5)): for an eventfd or signalfd what it is, else a file.
Result<Descriptor> parse_descriptor(std::string_view fdinfo);

// One like it; not for those that are given.
Result<UniqueFd> make_descriptor(const NamedDescriptor& like);

}  // namespace boxlite::freeze
