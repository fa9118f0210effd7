// SPDX-License-Identifier: Apache-2.0
#include "box/container_spec.h"

#include <algorithm>

#include "base/concat.h"
#include "box/capabilities.h"
#include "box/execution.h"

namespace boxlite::box {
namespace {

constexpr std::string_view root_device = "/dev/vda";
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

std::vector<std::string> environment(const BoxSpec& spec, const oci::ImageConfig& image,
                                     std::string_view hostname) {
  std::vector<std::string> env = {concat("PATH=", default_path), concat("HOSTNAME=", hostname)};
  for (const auto& variable : image.env) {
    const bool is_usable = variable.find('=') != std::string::npos && !variable.starts_with('=') &&
                           variable.find('\0') == std::string::npos;
    if (is_usable) set(env, variable);
  }
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
  return container;
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
  // Its input is for the client that attaches, not for the shim.
  request.set_leave_stdin(true);
  return request;
}

}  // namespace boxlite::box
