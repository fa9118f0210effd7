// SPDX-License-Identifier: Apache-2.0
#include "linux/process/process_state.h"

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::linux_ {

bool is_stopped(pid_t pid) {
  const auto text = read_file(concat("/proc/", pid, "/status"), 16u << 10);
  if (!text) return false;
  constexpr std::string_view label = "\nState:\t";
  const auto at = text->find(label);
  if (at == std::string::npos || at + label.size() >= text->size()) return false;
  const char state = (*text)[at + label.size()];
  return state == 'T' || state == 't';
}

}  // namespace boxlite::linux_
