// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "agent/container/accounts.h"
#include "agent/container/container.h"
#include "base/result.h"
#include "wire/messages.h"

namespace boxlite::agent {

// A command, ready to be started: every name resolved, every default filled in.
struct LaunchPlan {
  std::vector<std::string> candidates;  // paths of the program, to be tried in order
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string working_dir;
  Account account;
  linux_::CapabilitySet capabilities = 0;  // bounding; permitted and effective too when uid is 0
  const std::vector<std::pair<int, rlimit>>* rlimits = nullptr;
};

// invalid_argument for requests that no program could make sense of: no args, bytes of 0, unknown users.
Result<LaunchPlan> make_launch_plan(const Container& container, const wire::msg::ExecRequest& request);

// `overlay` over `base`, the last one of a name wins; entries without "=" remove the name.
std::vector<std::string> merge_env(const std::vector<std::string>& base,
                                   const std::vector<std::string>& overlay);

}  // namespace boxlite::agent
