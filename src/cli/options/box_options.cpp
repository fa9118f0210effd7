// SPDX-License-Identifier: Apache-2.0
#include "cli/options/box_options.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include <boxlite/signal.hpp>

#include "cli/options/environment.h"
#include "cli/options/port_options.h"
#include "cli/options/ulimit_option.h"
#include "cli/output/units.h"
#include "cli/terminal/terminal.h"
#include "model/enum_names.h"

namespace boxlite::cli {

namespace {

struct DockerOption {
  char letter;
  std::string_view word;
};
// Known from `docker run`, not built yet.
constexpr std::array later_for_boxes{
    DockerOption{0, "volumes-from"}, DockerOption{0, "label-file"},   DockerOption{0, "device"},
    DockerOption{0, "gpus"},         DockerOption{0, "security-opt"}, DockerOption{0, "sysctl"},
    DockerOption{0, "group-add"},    DockerOption{0, "pids-limit"},   DockerOption{0, "cidfile"},
    DockerOption{'a', "attach"},     DockerOption{0, "log-driver"},   DockerOption{0, "rootfs"},
    DockerOption{0, "security"},     DockerOption{0, "inbound"},      DockerOption{0, "memory-swap"},
    DockerOption{0, "cpuset-cpus"},  DockerOption{0, "link"},
};

OptionSet::Accept accept_size(std::uint64_t& target, std::uint64_t unit) {
  return [&target, unit](std::string_view text) -> std::optional<std::string> {
    const auto size = parse_size(text, unit);
    if (!size) {
      return fmt::format("is not a size of at least {}: write 2g, 1.5g or 2048m",
                         unit == bytes_per_gib   ? "1 GiB"
                         : unit == bytes_per_mib ? "1 MiB"
                         : unit == 1024          ? "1 KiB"
                                                 : "1 byte");
    }
    target = *size;
    return std::nullopt;
  };
}

// As with Docker, what is given last counts.
OptionSet::Accept accept_label(std::vector<std::pair<std::string, std::string>>& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    const auto equals = std::min(text.find('='), text.size());
    if (equals == 0) return "has no key: write KEY=VALUE";
    const auto key = text.substr(0, equals);
    std::erase_if(target, [&](const auto& label) { return label.first == key; });
    target.emplace_back(key, text.substr(std::min(equals + 1, text.size())));
    return std::nullopt;
  };
}

OptionSet::Accept accept_pull_policy(PullPolicy& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    const auto policy = model::parse<PullPolicy>(text);
    if (!policy) return "is not always, missing or never";
    target = *policy;
    return std::nullopt;
  };
}

OptionSet::Accept accept_restart(RestartPolicy& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    const auto colon = std::min(text.find(':'), text.size());
    const auto mode = model::parse<RestartMode>(text.substr(0, colon));
    if (!mode) return "is not no, on-failure[:N], always or unless-stopped";
    target = {.mode = *mode};
    if (colon == text.size()) return std::nullopt;
    const auto count = parse_count(text.substr(colon + 1));
    if (!count || *mode != RestartMode::on_failure)
      return "takes a number of retries only as in on-failure:3";
    target.max_retries = *count;
    return std::nullopt;
  };
}

// As text: what it says is shown again.
OptionSet::Accept accept_signal(std::string& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    if (!parse_signal(text)) return "is not a signal: write QUIT, SIGQUIT or 3";
    target = text;
    return std::nullopt;
  };
}

OptionSet::Accept accept_network(bool& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    if (text != "none" && text != "enabled") return "is not none or enabled";
    target = text == "enabled";
    return std::nullopt;
  };
}

OptionSet::Accept accept_publish(std::vector<PublishedPort>& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    const auto ports = parse_publish(text);
    if (!ports) return "is not [ADDRESS:][HOST_PORT:]BOX_PORT[/tcp|udp], as in 8080:80";
    target.insert(target.end(), ports->begin(), ports->end());
    return std::nullopt;
  };
}

OptionSet::Accept accept_expose(std::vector<ExposedPort>& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    const auto ports = parse_expose(text);
    if (!ports) return "is not PORT[-PORT][/tcp|udp], as in 80 or 8000-8010/udp";
    target.insert(target.end(), ports->begin(), ports->end());
    return std::nullopt;
  };
}

OptionSet::Accept accept_host(std::vector<HostEntry>& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    // The address may have colons of its own.
    const auto separator = text.find_first_of(":=");
    if (separator == std::string_view::npos || separator == 0 || separator + 1 == text.size())
      return "is not NAME:ADDRESS, as in db:192.0.2.1 or db:host-gateway";
    target.push_back(
        {std::string(text.substr(0, separator)), std::string(without_brackets(text.substr(separator + 1)))});
    return std::nullopt;
  };
}

// What is relative counts from the working directory; "system" is a word.
OptionSet::Accept accept_authorities(std::vector<std::filesystem::path>& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    if (text.empty()) return "is empty: write a file, or system";
    std::error_code failed;
    // Without a working directory it stays as it is, and is refused as not absolute.
    auto file = text == "system" ? std::filesystem::path(text) : std::filesystem::absolute(text, failed);
    target.push_back(failed ? std::filesystem::path(text) : std::move(file));
    return std::nullopt;
  };
}

OptionSet::Accept accept_rate(std::uint64_t& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    const auto count = parse_count(text);
    if (!count) return "is not a whole number of kbit/s";
    target = *count;
    return std::nullopt;
  };
}

}  // namespace

OptionSet::Accept accept_count(unsigned& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    const auto count = parse_count(text);
    if (!count) return "is not a whole number";
    target = *count;
    return std::nullopt;
  };
}

OptionSet::Accept accept_detach_keys(DetachKeys& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    auto keys = DetachKeys::parse(text);
    if (!keys) return "is not a list of keys: write ctrl-p,ctrl-q or a,b";
    target = *std::move(keys);
    return std::nullopt;
  };
}

OptionSet::Accept accept_stop_timeout(std::optional<std::chrono::milliseconds>& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    // A plain number means seconds, as Docker has it.
    if (const auto seconds = parse_count(text)) {
      target = std::chrono::seconds(*seconds);
      return std::nullopt;
    }
    const auto duration = parse_duration(text);
    if (!duration) return "is not a duration: write 10, 30s, 1m30s or 500ms";
    target = *duration;
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
  options.flag('i', "interactive", is_interactive_,
               has_stdio ? "Pass standard input to the command" : "Leave its standard input open");
  options.flag('t', "tty", has_terminal_, "Give the command a terminal (with -i: type into it)");
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
    return std::unexpected(Ending(exit_failure, "-t needs a terminal, and standard input is not one",
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
  options.value('l', "label", "KEY[=VALUE]", "A word of your own, for `ls --filter` (repeatable)",
                accept_label(spec_.labels));
  options.value(0, "restart", "POLICY", "no (default), on-failure[:N], always, unless-stopped",
                accept_restart(spec_.restart));
  options.value(0, "auto-stop", "TIME", "Stop it when idle so long: nobody attached, no exec running",
                accept_duration(spec_.auto_stop));
  options.value(0, "auto-delete", "TIME", "Remove it when it has been stopped so long",
                accept_duration(spec_.auto_delete));
  options.value(0, "log-max-size", "SIZE", "Of each file of its log: KiB, or as in 10m (10m)",
                accept_size(log_kib_, 1024));
  options.value(0, "log-max-files", "N", "How many of them are kept (3)", accept_count(spec_.logs.files));
  options.value(0, "entrypoint", "PROGRAM", "Instead of the image's entrypoint; empty for none",
                [this](std::string_view text) -> std::optional<std::string> {
                  entrypoint_ = std::string(text);
                  return std::nullopt;
                });
  options.flag(0, "init", spec_.init, "Process 1 is an init, which starts the command and reaps orphans");
  options.value(0, "stop-signal", "SIGNAL", "What `stop` sends to the command (the image's, else TERM)",
                accept_signal(spec_.stop_signal));
  options.value(0, "stop-timeout", "TIME", "What it gets until everything is killed: seconds, or 30s (2s)",
                accept_stop_timeout(spec_.stop_timeout));
  options.flag(0, "systemd", spec_.systemd, "The command is systemd: give it the file systems it expects");
  options.text('h', "hostname", "NAME", spec_.hostname, "Host name in the box (else its id)");
  options.value(0, "pull", "POLICY", "Pull the image: always, missing (default) or never",
                accept_pull_policy(pull_policy_));
  options.text(0, "platform", "OS/ARCH", spec_.platform,
               "Choose of a multi-platform image (else the host's)");
  options.value(0, "start-timeout", "TIME", "How long the machine may take to start (30s; emulated 2m)",
                accept_duration(spec_.start_timeout));
  options.flag(0, "cold", spec_.cold_start, "Boot the machine, rather than go on from a saved one");
  options.flag('q', "quiet", is_quiet_, "Show no progress");

  options.section("Folders");
  mounts_.declare(options);
  options.text(0, "folder-owner", "WHOM", spec_.folder_owner,
               "Whose your files are in the box: box (its user), host or UID:GID");

  declare_network(options);

  options.section("Health");
  options.value(0, "health-cmd", "COMMAND", "Run this in a shell of the box; exit code 0 is well",
                [this](std::string_view text) -> std::optional<std::string> {
                  if (text.empty()) return "is empty";
                  spec_.health.probe = HealthCheck::Probe::command;
                  spec_.health.command = {"/bin/sh", "-c", std::string(text)};
                  return std::nullopt;
                });
  options.flag(0, "health-ping", health_ping_, "Instead: ask the agent in the box");
  options.flag(0, "no-healthcheck", no_health_, "Not the image's check either");
  options.value(0, "health-interval", "TIME", "From one check to the next (30s)",
                accept_duration(spec_.health.interval));
  options.value(0, "health-timeout", "TIME", "How long one may take (30s)",
                accept_duration(spec_.health.timeout));
  options.value(0, "health-start-period", "TIME", "Failures do not count so long (0s)",
                accept_duration(spec_.health.start_period));
  options.value(0, "health-retries", "N", "Failures in a row that make it unhealthy (3)",
                accept_count(spec_.health.retries));

  options.section("Machine");
  options.value('c', "cpus", "N", "Virtual CPUs (1)", accept_count(spec_.cpus));
  options.value('m', "memory", "SIZE", "Memory: MiB, or as in 2g (512m)",
                accept_size(spec_.memory_mib, bytes_per_mib));
  options.value(0, "shm-size", "SIZE", "Of /dev/shm: bytes, or as in 1g (half of the memory)",
                accept_size(spec_.shm_bytes, 1));
  options.value(0, "disk-size", "SIZE", "What the disk can grow to: GiB, or as in 20g (10g)",
                accept_size(spec_.disk_size_gib, bytes_per_gib));

  declare_rights(options);
  for (const auto& option : later_for_boxes) options.not_built(option.letter, option.word);
}

void BoxOptions::declare_rights(OptionSet& options) {
  options.section("Rights in the box");
  options.list(0, "cap-add", "NAME", spec_.capabilities.add, "Add a capability, or ALL (repeatable)");
  options.list(0, "cap-drop", "NAME", spec_.capabilities.drop, "Drop a capability, or ALL (repeatable)");
  options.flag(0, "read-only", spec_.read_only, "Its / cannot be written; what is mounted in it can");
  options.value(0, "ulimit", "NAME=SOFT[:HARD]",
                "Limit a resource of each process, as in nofile=1024 (repeatable)",
                accept_ulimit(spec_.ulimits));
  options.flag(0, "privileged", spec_.privileged,
               "All capabilities, nothing masked; still in its own machine");
}

void BoxOptions::declare_network(OptionSet& options) {
  options.section("Network");
  for (const char* word : {"network", "net"}) {
    options.value(0, word, "MODE", "enabled (default), or none: nothing but the loopback",
                  accept_network(spec_.network.is_enabled));
  }
  options.value('p', "publish", "[ADDRESS:][HOST_PORT:]BOX_PORT[/udp]",
                "Let a port of this host lead there; without one, any (repeatable)",
                accept_publish(spec_.network.ports));
  options.flag('P', "publish-all", spec_.network.publish_exposed,
               "Let ports of 127.0.0.1 lead to all that is exposed, by the image or by --expose");
  options.value(0, "expose", "PORT[-PORT][/udp]", "A port that it listens on, for -P (repeatable)",
                accept_expose(spec_.network.exposed));
  options.value(0, "add-host", "NAME:ADDRESS",
                "A name that it knows; ADDRESS may be host-gateway, this host (repeatable)",
                accept_host(spec_.network.hosts));
  options.list(0, "dns", "ADDRESS", spec_.network.dns.servers,
               "Look names up there, not where this host does (repeatable)");
  options.list(0, "dns-search", "DOMAIN", spec_.network.dns.search, "Of names without a dot (repeatable)");
  options.list(0, "dns-option", "OPTION", spec_.network.dns.options,
               "As in resolv.conf, ndots:2 (repeatable)");
  options.value(0, "host-ca", "FILE|system",
                "Certificates that it trusts, too; system: this host's (repeatable)",
                accept_authorities(spec_.authorities));
  options.list(0, "allow-net", "RULE", spec_.network.allow,
               "[tcp:|udp:]HOST[:PORTS] that may be reached; none: all public ones (repeatable)");
  options.list(0, "deny-net", "RULE", spec_.network.deny, "What may not, whatever is allowed (repeatable)");
  options.value(0, "net-tx", "KBIT", "What it may send, in kbit/s",
                accept_rate(spec_.network.send_limit_kbit));
  options.value(0, "net-rx", "KBIT", "What it may receive, in kbit/s",
                accept_rate(spec_.network.receive_limit_kbit));
  secrets_.declare(options);
}

Parsed<BoxSpec> BoxOptions::spec(const Arguments& arguments, const ProcessOptions& process) const {
  BoxSpec spec = spec_;
  if (int{health_ping_} + int{no_health_} + int{!spec.health.command.empty()} > 1) {
    return std::unexpected(
        Ending(exit_usage, "of --health-cmd, --health-ping and --no-healthcheck only one can be meant"));
  }
  if (health_ping_) spec.health.probe = HealthCheck::Probe::ping;
  if (no_health_) spec.health.probe = HealthCheck::Probe::none;
  if (log_kib_ != 0) spec.logs.file_bytes = log_kib_ * 1024;
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
  auto secrets = secrets_.secrets(process.is_interactive());
  if (!secrets) return std::unexpected(secrets.error());
  spec.secrets = std::move(*secrets);
  spec.secret_authorities = secrets_.authorities();
  spec.use_stdin = process.is_interactive();
  spec.terminal = process.has_terminal();
  return spec;
}

}  // namespace boxlite::cli
