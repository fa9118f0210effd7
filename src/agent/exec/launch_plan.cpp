// SPDX-License-Identifier: Apache-2.0
#include "agent/exec/launch_plan.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "agent/exec/program_search.h"
#include "base/concat.h"

namespace boxlite::agent {
namespace {

constexpr std::size_t account_file_limit = 4u << 20;
constexpr std::string_view default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

Result<void> check_text(std::string_view what, std::string_view text) {
  if (text.find('\0') == std::string_view::npos) return {};
  return fail(ErrorCode::invalid_argument, concat("start command: ", what, " holds a byte of 0"));
}

Result<void> check_request(const wire::msg::ExecRequest& request) {
  if (request.args().empty())
    return fail(ErrorCode::invalid_argument, "start command: there are no arguments");
  for (const auto& arg : request.args()) BOXLITE_TRY(check_text("an argument", arg));
  for (const auto& entry : request.env()) BOXLITE_TRY(check_text("the environment", entry));
  return check_text("the working directory", request.working_dir());
}

std::string_view name_of(std::string_view entry) {
  return entry.substr(0, entry.find('='));
}

std::string_view value_of(const std::vector<std::string>& env, std::string_view name) {
  for (const auto& entry : env) {
    if (name_of(entry) == name && entry.size() > name.size())
      return std::string_view(entry).substr(name.size() + 1);
  }
  return {};
}

std::vector<std::string> default_env(const Container& container, const Account& account, bool has_terminal) {
  std::vector<std::string> env{concat("PATH=", default_path), concat("HOME=", account.home)};
  const auto& hostname = container.defaults().hostname;
  if (!hostname.empty()) env.push_back(concat("HOSTNAME=", hostname));
  if (has_terminal) env.emplace_back("TERM=xterm");
  return env;
}

}  // namespace

std::vector<std::string> merge_env(const std::vector<std::string>& base,
                                   const std::vector<std::string>& overlay) {
  std::vector<std::string> merged;
  std::unordered_map<std::string, std::size_t> places;
  const auto add = [&](const std::string& entry) {
    const auto [place, is_new] = places.try_emplace(std::string(name_of(entry)), merged.size());
    if (is_new) {
      merged.push_back(entry);
    } else {
      merged[place->second] = entry;
    }
  };
  std::ranges::for_each(base, add);
  std::ranges::for_each(overlay, add);
  std::erase_if(merged, [](const std::string& entry) { return entry.find('=') == std::string::npos; });
  return merged;
}

Result<LaunchPlan> make_launch_plan(const Container& container, const wire::msg::ExecRequest& request) {
  BOXLITE_TRY(check_request(request));
  const auto& defaults = container.defaults();
  LaunchPlan plan;
  plan.account = BOXLITE_TRY(resolve_user(request.user().empty() ? defaults.user : request.user(),
                                          container.read_file("/etc/passwd", account_file_limit),
                                          container.read_file("/etc/group", account_file_limit)));
  const auto base = merge_env(default_env(container, plan.account, request.has_terminal()), defaults.env);
  plan.env = merge_env(base, {request.env().begin(), request.env().end()});
  plan.args.assign(request.args().begin(), request.args().end());
  plan.candidates = program_candidates(plan.args.front(), value_of(plan.env, "PATH"));
  plan.working_dir = request.working_dir().empty() ? defaults.working_dir : request.working_dir();
  plan.capabilities = request.privileged() ? linux_::all_capabilities : defaults.capabilities;
  plan.rlimits = &defaults.rlimits;
  return plan;
}

}  // namespace boxlite::agent
