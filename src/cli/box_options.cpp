// SPDX-License-Identifier: Apache-2.0
#include "cli/box_options.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/environment.h"
#include "cli/terminal.h"
#include "cli/units.h"

namespace boxlite::cli {

namespace {

struct DockerOption {
  char letter;
  std::string_view word;
};
// Known from `docker run`, not built yet.
constexpr std::array later_for_boxes{
    DockerOption{'p', "publish"},
    DockerOption{'P', "publish-all"},
    DockerOption{0, "network"},
    DockerOption{0, "net"},
    DockerOption{0, "volumes-from"},
    DockerOption{'l', "label"},
    DockerOption{0, "label-file"},
    DockerOption{0, "restart"},
    DockerOption{0, "read-only"},
    DockerOption{0, "dns"},
    DockerOption{0, "add-host"},
    DockerOption{0, "device"},
    DockerOption{0, "gpus"},
    DockerOption{0, "ulimit"},
    DockerOption{0, "shm-size"},
    DockerOption{0, "security-opt"},
    DockerOption{0, "sysctl"},
    DockerOption{0, "stop-signal"},
    DockerOption{0, "stop-timeout"},
    DockerOption{0, "health-cmd"},
    DockerOption{0, "health-interval"},
    DockerOption{0, "health-retries"},
    DockerOption{0, "health-timeout"},
    DockerOption{0, "group-add"},
    DockerOption{0, "pids-limit"},
    DockerOption{0, "init"},
    DockerOption{0, "cidfile"},
    DockerOption{'a', "attach"},
    DockerOption{0, "log-driver"},
    DockerOption{0, "allow-net"},
    DockerOption{0, "rootfs"},
    DockerOption{0, "auto-stop"},
    DockerOption{0, "auto-delete"},
    DockerOption{0, "security"},
    DockerOption{0, "inbound"},
    DockerOption{0, "memory-swap"},
    DockerOption{0, "cpuset-cpus"},
    DockerOption{0, "link"},
};

OptionSet::Accept accept_size(std::uint64_t& target, std::uint64_t unit) {
  return [&target, unit](std::string_view text) -> std::optional<std::string> {
    const auto size = parse_size(text, unit);
    if (!size) return "is not a size: write 512m, 2g or 1.5g";
    target = *size;
    return std::nullopt;
  };
}

OptionSet::Accept accept_pull_policy(PullPolicy& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    if (text == "missing")
      target = PullPolicy::missing;
    else if (text == "always")
      target = PullPolicy::always;
    else if (text == "never")
      target = PullPolicy::never;
    else
      return "is not always, missing or never";
    return std::nullopt;
  };
}

}  // namespace

OptionSet::Accept accept_detach_keys(DetachKeys& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    auto keys = DetachKeys::parse(text);
    if (!keys) return "is not a list of keys: write ctrl-p,ctrl-q or a,b";
    target = *std::move(keys);
    return std::nullopt;
  };
}

OptionSet::Accept accept_duration(std::chrono::milliseconds& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    const auto duration = parse_duration(text);
    if (!duration) return "is not a duration: write 30s, 1m30s or 500ms";
    target = *duration;
    return std::nullopt;
  };
}

void ProcessOptions::declare(OptionSet& options, bool has_stdio) {
  if (has_stdio) {
    options.flag('i', "interactive", is_interactive_, "Pass standard input to the command");
    options.flag('t', "tty", has_terminal_, "Give the command a terminal (with -i: type into it)");
  }
  options.list('e', "env", "NAME[=VALUE]", variables_,
               "Set a variable; without a value, the host's (repeatable)");
  options.list(0, "env-file", "FILE", files_, "Set the variables of a file, one a line (repeatable)");
  options.text('w', "workdir", "DIR", working_dir_, "Directory the command starts in");
  options.text('u', "user", "USER[:GROUP]", user_, "Names or numbers, as the image knows them");
  if (has_stdio) {
    options.value(0, "timeout", "TIME", "Kill the command after this time, as in 30s or 5m",
                  accept_duration(timeout_));
    options.value(0, "detach-keys", "KEYS", "Leave the terminal with these (ctrl-p,ctrl-q); empty for none",
                  accept_detach_keys(detach_keys_));
  }
}

Parsed<std::vector<EnvironmentVariable>> ProcessOptions::environment() const {
  return read_environment(files_, variables_);
}

Parsed<ExecSpec> ProcessOptions::attachment(bool is_detached) const {
  ExecSpec exec;
  exec.use_stdin = is_interactive_;
  exec.timeout = timeout_;
  if (!has_terminal_) return exec;
  if (is_detached) {
    exec.terminal = terminal_size(STDIN_FILENO);
    return exec;
  }
  if (!is_terminal(STDIN_FILENO)) {
    return std::unexpected(Ending(exit_failure, "-t needs a terminal, and standard input is none",
                                  "leave out -t; -i alone passes standard input on"));
  }
  exec.terminal = terminal_size(STDIN_FILENO);
  return exec;
}

void BoxOptions::declare(OptionSet& options, ProcessOptions& process, bool has_stdio) {
  options.text(0, "name", "NAME", spec_.name, "Name of the box, to be used in place of its id");
  if (has_stdio) {
    options.flag('d', "detach", spec_.detach, "Print the id and leave the box running");
    options.flag(0, "rm", spec_.auto_remove, "Remove the box and its disk when it has stopped");
  }
  process.declare(options, has_stdio);
  options.value(0, "entrypoint", "PROGRAM", "Instead of the image's entrypoint; empty for none",
                [this](std::string_view text) -> std::optional<std::string> {
                  entrypoint_ = std::string(text);
                  return std::nullopt;
                });
  options.text('h', "hostname", "NAME", spec_.hostname, "Host name in the box (else its id)");
  options.value(0, "pull", "POLICY", "Pull the image: always, missing (default) or never",
                accept_pull_policy(pull_policy_));
  options.text(0, "platform", "OS/ARCH", spec_.platform,
               "Choose of a multi-platform image (else the host's)");
  options.value(0, "start-timeout", "TIME", "How long the machine may take to start (30s; emulated 2m)",
                accept_duration(spec_.start_timeout));
  options.flag('q', "quiet", is_quiet_, "Show no progress");

  options.section("Folders");
  mounts_.declare(options);

  options.section("Machine");
  options.value('c', "cpus", "N", "Virtual CPUs (1)",
                [this](std::string_view text) -> std::optional<std::string> {
                  const auto count = parse_count(text);
                  if (!count) return "is not a whole number";
                  spec_.cpus = *count;
                  return std::nullopt;
                });
  options.value('m', "memory", "SIZE", "Memory: MiB, or as in 2g (512m)",
                accept_size(spec_.memory_mib, bytes_per_mib));
  options.value(0, "disk-size", "SIZE", "What the disk can grow to: GiB, or as in 20g (10g)",
                accept_size(spec_.disk_size_gib, bytes_per_gib));

  options.section("Rights in the box");
  options.list(0, "cap-add", "NAME", spec_.capabilities.add, "Add a capability, or ALL (repeatable)");
  options.list(0, "cap-drop", "NAME", spec_.capabilities.drop, "Drop a capability, or ALL (repeatable)");
  options.flag(0, "privileged", spec_.privileged,
               "All capabilities, nothing masked; still in its own machine");
  for (const auto& option : later_for_boxes) options.not_built(option.letter, option.word);
}

Parsed<BoxSpec> BoxOptions::spec(const Arguments& arguments, const ProcessOptions& process) const {
  BoxSpec spec = spec_;
  auto words = arguments.words;
  if (!arguments.after_separator && !words.empty()) {
    spec.image = words.front();
    words.erase(words.begin());
    // `run IMAGE -- COMMAND`: nobody has a program called "--".
    if (!words.empty() && words.front() == "--") words.erase(words.begin());
  }
  spec.command = std::move(words);
  if (entrypoint_) {
    spec.entrypoint.emplace();
    if (!entrypoint_->empty()) spec.entrypoint->push_back(*entrypoint_);
  }
  auto environment = process.environment();
  if (!environment) return std::unexpected(environment.error());
  spec.env = std::move(*environment);
  spec.working_dir = process.working_dir();
  spec.user = process.user();
  auto mounts = mounts_.mounts();
  if (!mounts) return std::unexpected(mounts.error());
  spec.mounts = std::move(*mounts);
  return spec;
}

Parsed<void> apply_pull_policy(const Runtime& runtime, const BoxSpec& spec, PullPolicy policy,
                               Progress& progress) {
  auto images = runtime.images();
  if (policy == PullPolicy::always) {
    const auto pulled = images.pull(spec.image, {.platform = spec.platform, .progress = progress.callback()});
    progress.clear();
    if (!pulled) return std::unexpected(pulled.error());
  }
  if (policy == PullPolicy::never) {
    const auto stored = images.get(spec.image);
    if (!stored) return std::unexpected(stored.error());
  }
  return {};
}

}  // namespace boxlite::cli
