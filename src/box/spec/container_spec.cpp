// SPDX-License-Identifier: Apache-2.0
#include "box/spec/container_spec.h"

#include <algorithm>
#include <array>
#include <csignal>

#include <boxlite/signal.hpp>

#include "base/concat.h"
#include "box/exec/execution.h"
#include "box/spec/capabilities.h"
#include "box/spec/secrets.h"
#include "box/spec/ulimits.h"

namespace boxlite::box {
namespace {

constexpr std::string_view root_device = "/dev/vda";
constexpr std::size_t most_directories = 16;
constexpr std::string_view default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

// The last value given for a name counts; the name keeps its place.
void set(std::vector<std::string>& env, std::string variable) {
  const auto same = std::find_if(
      env.begin(), env.end(), [&](const std::string& other) { return name_of(other) == name_of(variable); });
  if (same != env.end()) {
    *same = std::move(variable);
  } else {
    env.push_back(std::move(variable));
  }
}

// A shell or the like, by itself: it waits for input, and neither reaps what commands leave behind nor hears
// a signal as process 1.
bool is_interpreter(const oci::ImageConfig& image) {
  const auto& words = image.cmd.empty() ? image.entrypoint : image.cmd;
  if (words.size() != 1) return false;
  const std::string_view name = std::string_view(words.front()).substr(words.front().rfind('/') + 1);
  static constexpr std::array<std::string_view, 19> names{
      "sh",  "ash", "bash", "dash", "fish", "ksh",  "zsh",    "node",  "deno", "bun",
      "irb", "iex", "ruby", "php",  "lua",  "ghci", "jshell", "julia", "R"};
  return name.starts_with("python") || name.starts_with("pypy") ||
         std::ranges::find(names, name) != names.end();
}

std::vector<std::string> search_path(const oci::ImageConfig& image) {
  std::string path(default_path);
  for (const auto& variable : image.env) {
    if (variable.starts_with("PATH=")) path = variable.substr(5);
  }
  std::vector<std::string> directories;
  for (std::size_t start = 0; start <= path.size() && directories.size() < most_directories;) {
    const auto end = std::min(path.find(':', start), path.size());
    if (end > start) directories.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  return directories;
}

std::vector<std::string> environment(const BoxSpec& spec, const oci::ImageConfig& image,
                                     std::string_view hostname) {
  std::vector<std::string> env = {concat("PATH=", default_path), concat("HOSTNAME=", hostname)};
  for (const auto& variable : image.env) {
    const bool is_usable = variable.find('=') != std::string::npos && !variable.starts_with('=') &&
                           variable.find('\0') == std::string::npos;
    if (is_usable) set(env, variable);
  }
  // By which systemd knows where it is.
  if (spec.systemd) set(env, "container=boxlite");
  for (const auto& [name, value] : secret_variables(spec.secrets)) set(env, concat(name, "=", value));
  for (const auto& [name, value] : spec.env) set(env, concat(name, "=", value));
  return env;
}

}  // namespace

std::string hostname_of(const BoxSpec& spec, std::string_view id) {
  return spec.hostname.empty() ? std::string(id.substr(0, 12)) : spec.hostname;
}

Result<wire::msg::ContainerSpec> container_spec(const BoxSpec& spec, const oci::ImageConfig& image,
                                                std::string_view hostname) {
  wire::msg::ContainerSpec container;
  container.set_root_device(std::string(root_device));
  for (auto& variable : environment(spec, image, hostname)) container.add_env(std::move(variable));
  container.set_working_dir(!spec.working_dir.empty()    ? spec.working_dir
                            : !image.working_dir.empty() ? image.working_dir
                                                         : "/");
  container.set_user(!spec.user.empty() ? spec.user : image.user);
  for (auto& capability : BOXLITE_TRY(resolve_capabilities(spec.capabilities, spec.privileged))) {
    container.add_capabilities(std::move(capability));
  }
  container.set_privileged(spec.privileged);
  container.set_writable_cgroups(spec.systemd);
  container.set_root_read_only(spec.read_only);
  container.set_shm_bytes(spec.shm_bytes);
  add_ulimits(spec.ulimits, container);
  return container;
}

Result<int> stop_signal(const BoxSpec& spec, const oci::ImageConfig& image) {
  const auto& text = spec.stop_signal.empty() ? image.stop_signal : spec.stop_signal;
  if (text.empty()) return spec.systemd ? SIGRTMIN + 3 : SIGTERM;
  if (const auto signal = parse_signal(text)) return *signal;
  return fail(Error(ErrorCode::invalid_argument,
                    concat("the image's STOPSIGNAL ", in_quotes(text), " is not a signal"))
                  .with_remedy("choose one for the box (--stop-signal), or correct the image"));
}

wire::msg::ContainerSpec prepared_part(const wire::msg::ContainerSpec& container) {
  wire::msg::ContainerSpec part;
  part.set_root_device(container.root_device());
  part.set_privileged(container.privileged());
  part.set_writable_cgroups(container.writable_cgroups());
  return part;
}

std::vector<std::string> files_needed_soon(const oci::ImageConfig& image) {
  // Shell, loader, libraries that nearly every program has, and whom to run as.
  std::vector<std::string> files = {"/bin/sh",
                                    "/lib64/ld-linux-x86-64.so.2",
                                    "/lib/ld-musl-x86_64.so.1",
                                    "/etc/ld.so.cache",
                                    "/lib/x86_64-linux-gnu/libc.so.6",
                                    "/lib64/libc.so.6",
                                    "/etc/passwd",
                                    "/etc/group",
                                    "/usr/bin/env",
                                    "/bin/true"};
  const auto& words = image.entrypoint.empty() ? image.cmd : image.entrypoint;
  const auto program = words.empty() ? std::string() : words.front();
  if (program.starts_with('/')) files.push_back(program);
  // Looked for as a command is, so that the directories are known as well.
  for (const auto& directory : search_path(image)) {
    files.push_back(concat(directory, "/sh"));
    if (!program.empty() && program.find('/') == std::string::npos)
      files.push_back(concat(directory, "/", program));
  }
  return files;
}

Result<std::vector<std::string>> main_command(const BoxSpec& spec, const oci::ImageConfig& image) {
  auto words = spec.entrypoint ? *spec.entrypoint : image.entrypoint;
  const auto& rest = !spec.command.empty() || spec.entrypoint ? spec.command : image.cmd;
  words.insert(words.end(), rest.begin(), rest.end());
  if (!words.empty() && !words.front().empty()) return words;
  return fail(Error(ErrorCode::invalid_argument, "there is no command to run: the image names none")
                  .with_remedy("give a command after the image's name"));
}

bool is_job(const BoxSpec& spec) {
  return !spec.command.empty() || (spec.entrypoint && !spec.entrypoint->empty());
}

wire::msg::ExecRequest main_request(const BoxSpec& spec, const oci::ImageConfig& image) {
  const auto command = main_command(spec, image);
  if (!command) return {};
  ExecSpec main{.command = *command};
  // Nobody ends the input of an image's own shell: the box waits for commands, as after `docker run -di`.
  main.use_stdin = spec.use_stdin || !is_job(spec);
  if (spec.terminal) main.terminal = TerminalSize();
  auto request = exec_request(main, main_execution_id);
  request.set_is_main(true);
  const bool waits_for_nobody = !is_job(spec) && !spec.use_stdin && !spec.terminal && is_interpreter(image);
  request.set_use_init(spec.init || waits_for_nobody);
  // Its input is for the client that attaches, not for the shim.
  request.set_leave_stdin(true);
  return request;
}

}  // namespace boxlite::box
