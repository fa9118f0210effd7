// SPDX-License-Identifier: Apache-2.0
// The options that `run` and `create` share, and those of a command that `run` and `exec` share.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <boxlite/runtime.hpp>

#include "cli/ending.h"
#include "cli/options/mount_options.h"
#include "cli/options/option_set.h"
#include "cli/options/secret_options.h"
#include "cli/terminal/detach_keys.h"

namespace boxlite::cli {

// -e, --env-file, -w, -u, -i, -t, --timeout. One thread; must outlive the parse.
class ProcessOptions {
 public:
  // With `has_stdio` false only what describes the process, not how it is attached: for `create`.
  void declare(OptionSet& options, bool has_stdio);

  Parsed<std::vector<EnvironmentVariable>> environment() const;
  const std::string& working_dir() const { return working_dir_; }
  const std::string& user() const { return user_; }
  std::chrono::milliseconds timeout() const { return timeout_; }
  bool is_interactive() const { return is_interactive_; }
  bool has_terminal() const { return has_terminal_; }

  // stdin, terminal and time limit. An Ending for -t where there is no terminal, unless nobody will be
  // attached.
  Parsed<ExecSpec> attachment(bool is_detached = false) const;
  // For attach_stdio; of `run` and `exec` only.
  const DetachKeys& detach_keys() const { return detach_keys_; }

 private:
  std::vector<std::string> variables_;
  std::vector<std::string> files_;
  std::string working_dir_;
  std::string user_;
  std::chrono::milliseconds timeout_{0};
  bool is_interactive_ = false;
  bool has_terminal_ = false;
  DetachKeys detach_keys_ = *DetachKeys::parse(DetachKeys::usual);
};

// Everything a box is made of. One thread; must outlive the parse.
class BoxOptions {
 public:
  void declare(OptionSet& options, ProcessOptions& process, bool has_stdio);

  // [IMAGE] [COMMAND…], as Docker reads them; without an image (`run -- uname -a`) the bundled one.
  Parsed<BoxSpec> spec(const Arguments& arguments, const ProcessOptions& process) const;

  PullPolicy pull_policy() const { return pull_policy_; }
  bool is_quiet() const { return is_quiet_; }

 private:
  void declare_network(OptionSet& options);
  void declare_rights(OptionSet& options);

  BoxSpec spec_;
  std::optional<std::string> entrypoint_;
  MountOptions mounts_;
  SecretOptions secrets_;
  PullPolicy pull_policy_ = PullPolicy::missing;
  bool is_quiet_ = false;
  std::uint64_t log_kib_ = 0;
  bool health_ping_ = false;
  bool no_health_ = false;
};

OptionSet::Accept accept_detach_keys(DetachKeys& target);
OptionSet::Accept accept_count(unsigned& target);
// For `stop` too: not set unless given.
OptionSet::Accept accept_stop_timeout(std::optional<std::chrono::milliseconds>& target);
OptionSet::Accept accept_duration(std::chrono::milliseconds& target);

}  // namespace boxlite::cli
