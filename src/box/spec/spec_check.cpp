// SPDX-License-Identifier: Apache-2.0
#include "box/spec/spec_check.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <boxlite/signal.hpp>

#include "base/concat.h"
#include "box/spec/authorities.h"
#include "box/spec/capabilities.h"
#include "box/spec/folder_owner.h"
#include "box/spec/mounts.h"
#include "box/spec/network.h"
#include "box/spec/secrets.h"
#include "box/spec/ulimits.h"
#include "oci/platform.h"
#include "oci/reference.h"

namespace boxlite::box {
namespace {

// What fits into one request to the guest, with room for the image's own environment.
constexpr std::size_t max_command_bytes = 512u << 10;
constexpr std::size_t max_label_bytes = 64u << 10;
constexpr std::size_t max_name_length = 128;
constexpr std::size_t max_hostname_length = 63;
constexpr std::chrono::hours max_start_timeout{24};
constexpr std::chrono::hours max_stop_timeout{24};
constexpr std::chrono::hours max_time{24 * 365};
constexpr std::chrono::milliseconds shortest_auto_stop{100};

std::unexpected<Error> wrong(std::string_view field, std::string_view value, std::string_view allowed) {
  return fail(ErrorCode::invalid_argument,
              concat(field, " ", excerpt_in_quotes(value), " is not valid: ", allowed));
}

std::unexpected<Error> wrong(std::string_view field, std::uint64_t value, std::string_view allowed) {
  return fail(ErrorCode::invalid_argument, concat(field, " ", value, " is not valid: ", allowed));
}

Result<void> check_range(std::string_view field, std::uint64_t value, std::uint64_t min, std::uint64_t max) {
  if (value >= min && value <= max) return {};
  return wrong(field, value, concat("it must be ", min, " to ", max));
}

bool is_alphanumeric(char character) {
  return (character >= '0' && character <= '9') || (character >= 'A' && character <= 'Z') ||
         (character >= 'a' && character <= 'z');
}

bool is_word(std::string_view text, std::string_view also_allowed) {
  return !text.empty() && is_alphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char character) {
           return is_alphanumeric(character) || also_allowed.find(character) != std::string_view::npos;
         });
}

Result<void> check_no_zero(std::string_view field, std::string_view value) {
  if (value.find('\0') == std::string_view::npos) return {};
  return wrong(field, value, "it must not contain a zero byte");
}

// Its labels neither begin nor end with "-", and none is empty.
Result<void> check_hostname(std::string_view hostname) {
  const auto padded = concat(".", hostname, ".");
  const bool has_bad_label = padded.find("..") != std::string::npos ||
                             padded.find("-.") != std::string::npos || padded.find(".-") != std::string::npos;
  if (hostname.empty() ||
      (hostname.size() <= max_hostname_length && is_word(hostname, ".-_") && !has_bad_label))
    return {};
  return wrong("hostname", hostname,
               "1 to 63 letters, digits, \"_\", \"-\" and \".\", and no \"-\" at the ends of a part");
}

Result<void> check_platform(std::string_view text) {
  if (text.empty()) return {};
  const auto platform = oci::Platform::parse(text);
  if (!platform) return wrong("platform", text, "write it as \"linux/amd64\"");
  if (!oci::can_run(oci::Platform::of_host(), *platform)) {
    return fail(
        Error(ErrorCode::unsupported, concat("platform ", in_quotes(text), " cannot run on this host"))
            .with_remedy(concat("choose ", oci::Platform::of_host().str())));
  }
  return {};
}

Result<void> check_environment(const std::vector<EnvironmentVariable>& env) {
  for (const auto& [name, value] : env) {
    if (name.empty() || name.find('=') != std::string::npos || name.find('\0') != std::string::npos) {
      return wrong("env", name, "a name must not be empty and must not contain \"=\"");
    }
    BOXLITE_TRY(check_no_zero(concat("env ", in_quotes(name)), value));
  }
  return {};
}

Result<void> check_words(std::string_view field, const std::vector<std::string>& words) {
  for (const auto& word : words) BOXLITE_TRY(check_no_zero(field, word));
  if (!words.empty() && words.front().empty())
    return wrong(field, "", "the program's name must not be empty");
  return {};
}

Result<void> check_working_dir(std::string_view path) {
  if (!path.empty() && path.front() != '/') return wrong("working_dir", path, "it must be an absolute path");
  return check_no_zero("working_dir", path);
}

// The kernel's highest id but one stands for "leave it as it is". Other words are names, which only the image
// knows.
bool is_too_high_an_id(std::string_view word) {
  constexpr std::uint32_t no_id = ~std::uint32_t{0};
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
  const bool is_number = end == word.data() + word.size() && !word.empty();
  return is_number && (error == std::errc::result_out_of_range || id == no_id);
}

Result<void> check_user(std::string_view user) {
  if (user.empty()) return {};
  const auto is_bad = [](char character) { return character <= ' ' || character == 0x7f; };
  const auto colon = user.find(':');
  const bool is_good = colon != 0 && std::count(user.begin(), user.end(), ':') <= 1 &&
                       std::none_of(user.begin(), user.end(), is_bad);
  const auto group = colon == std::string_view::npos ? std::string_view() : user.substr(colon + 1);
  if (is_too_high_an_id(user.substr(0, colon)) || is_too_high_an_id(group))
    return wrong("user", user, concat("a number is at most ", ~std::uint32_t{0} - 1));
  if (is_good) return {};
  return wrong("user", user, "write name or uid, then optionally \":\" and group or gid");
}

std::size_t bytes_of(const std::vector<std::string>& words) {
  std::size_t sum = 0;
  for (const auto& word : words) sum += word.size() + 1;
  return sum;
}

std::size_t bytes_of(const std::vector<EnvironmentVariable>& env) {
  std::size_t sum = 0;
  for (const auto& [name, value] : env) sum += name.size() + value.size() + 2;
  return sum;
}

Result<void> check_size(std::size_t bytes) {
  if (bytes <= max_command_bytes) return {};
  return fail(
      Error(ErrorCode::invalid_argument, concat("command and env have ", bytes, " bytes together: at most ",
                                                max_command_bytes, " are allowed"))
          .with_remedy("write the text to a file in the box and name the file"));
}

Result<void> check_restart(const BoxSpec& spec) {
  if (spec.restart.mode != RestartMode::on_failure && spec.restart.max_retries != 0) {
    return wrong("restart", name(spec.restart.mode), "only on-failure takes a number of retries");
  }
  if (spec.restart.mode != RestartMode::no && spec.auto_remove) {
    return wrong("restart", name(spec.restart.mode),
                 "a box that is removed when it stops (auto_remove) cannot be started again");
  }
  return {};
}

Result<void> check_time(std::string_view field, std::chrono::milliseconds time,
                        std::chrono::milliseconds least) {
  if (time.count() == 0 || (time >= least && time.count() > 0 && time <= max_time)) return {};
  return fail(ErrorCode::invalid_argument,
              concat(field, " ", time.count(), " ms is not valid: it must be 0, or ",
                     std::max<std::int64_t>(1, least.count()), " ms to a year"));
}

Result<void> check_health(const HealthCheck& health) {
  const bool has_command = health.probe == HealthCheck::Probe::command;
  if (has_command != !health.command.empty()) {
    return wrong("health.command", health.command.empty() ? "" : health.command.front(),
                 "it goes with Probe::command, and that not without it");
  }
  BOXLITE_TRY(check_words("health.command", health.command));
  BOXLITE_TRY(check_size(bytes_of(health.command)));
  BOXLITE_TRY(check_time("health.interval", health.interval, std::chrono::milliseconds(1)));
  BOXLITE_TRY(check_time("health.timeout", health.timeout, std::chrono::milliseconds(1)));
  BOXLITE_TRY(check_time("health.start_period", health.start_period, std::chrono::milliseconds(1)));
  return check_range("health.retries", health.retries, 0, 1000);
}

Result<void> check_stop(const BoxSpec& spec) {
  if (!spec.stop_signal.empty() && !parse_signal(spec.stop_signal))
    return wrong("stop_signal", spec.stop_signal,
                 "write a signal's name or number, as in QUIT, SIGQUIT or 3");
  const bool is_time =
      !spec.stop_timeout || (spec.stop_timeout->count() >= 0 && *spec.stop_timeout <= max_stop_timeout);
  if (is_time) return {};
  return wrong("stop_timeout", concat(spec.stop_timeout->count(), " ms"), "it must be 0 to 24 h");
}

Result<void> check_labels(const std::vector<std::pair<std::string, std::string>>& labels) {
  std::size_t bytes = 0;
  std::set<std::string_view> keys;
  for (const auto& [key, value] : labels) {
    if (key.empty() || key.find('=') != std::string::npos)
      return wrong("label", key, "a key is not empty and has no \"=\"");
    BOXLITE_TRY(check_no_zero("label", key));
    BOXLITE_TRY(check_no_zero("label", value));
    if (!keys.insert(key).second) return wrong("label", key, "it is there twice");
    bytes += key.size() + value.size();
  }
  return check_range("bytes of labels", bytes, 0, max_label_bytes);
}

}  // namespace

Result<void> check_box_name(std::string_view name) {
  if (name.empty() || (name.size() <= max_name_length && is_word(name, "_.-"))) return {};
  return wrong("name", name,
               "1 to 128 letters, digits, \"_\", \".\" and \"-\", of which the first is a letter or digit");
}

Result<void> check(const BoxSpec& spec) {
  if (auto image = oci::Reference::parse(spec.image); !image) {
    return fail(std::move(image).error().context(concat("image ", in_quotes(spec.image))));
  }
  BOXLITE_TRY(check_box_name(spec.name));
  BOXLITE_TRY(check_labels(spec.labels));
  BOXLITE_TRY(check_platform(spec.platform));
  BOXLITE_TRY(check_range("cpus", spec.cpus, 1, 64));
  BOXLITE_TRY(check_range("memory_mib", spec.memory_mib, 64, 1'048'576));
  BOXLITE_TRY(check_range("disk_size_gib", spec.disk_size_gib, 1, 16'384));
  if (spec.entrypoint) BOXLITE_TRY(check_words("entrypoint", *spec.entrypoint));
  BOXLITE_TRY(check_words("command", spec.command));
  BOXLITE_TRY(check_environment(spec.env));
  BOXLITE_TRY(check_size(bytes_of(spec.command) + bytes_of(spec.env) +
                         (spec.entrypoint ? bytes_of(*spec.entrypoint) : 0)));
  BOXLITE_TRY(check_working_dir(spec.working_dir));
  BOXLITE_TRY(check_user(spec.user));
  BOXLITE_TRY(check_hostname(spec.hostname));
  BOXLITE_TRY(resolve_capabilities(spec.capabilities, spec.privileged));
  BOXLITE_TRY(check_ulimits(spec.ulimits));
  BOXLITE_TRY(check_range("shm_bytes", spec.shm_bytes, 0, std::uint64_t{1} << 50));
  BOXLITE_TRY(check(spec.mounts));
  BOXLITE_TRY(folder_owner_of(spec.folder_owner));
  BOXLITE_TRY(check(spec.network));
  BOXLITE_TRY(check(spec.authorities));
  BOXLITE_TRY(check_secrets(spec));
  BOXLITE_TRY(check_restart(spec));
  BOXLITE_TRY(check_stop(spec));
  BOXLITE_TRY(check_health(spec.health));
  BOXLITE_TRY(check_time("auto_stop", spec.auto_stop, shortest_auto_stop));
  BOXLITE_TRY(check_time("auto_delete", spec.auto_delete, std::chrono::milliseconds(0)));
  BOXLITE_TRY(check_range("logs.file_bytes", spec.logs.file_bytes, 4096, 1ull << 40));
  BOXLITE_TRY(check_range("logs.files", spec.logs.files, 1, 100));
  if (spec.start_timeout.count() < 0 || spec.start_timeout > max_start_timeout) {
    return fail(ErrorCode::invalid_argument, concat("start_timeout ", spec.start_timeout.count(),
                                                    " ms is not valid: it must be 0 (the default) to 24 h"));
  }
  return {};
}

Result<void> check(const ExecSpec& spec, bool is_main) {
  if (is_main && !spec.command.empty()) {
    return wrong("command", spec.command.front(),
                 "run() runs the box's own command; use exec() for another one");
  }
  if (!is_main && spec.command.empty()) {
    return fail(ErrorCode::invalid_argument, "command is empty: name a program to run");
  }
  BOXLITE_TRY(check_words("command", spec.command));
  BOXLITE_TRY(check_environment(spec.env));
  BOXLITE_TRY(check_size(bytes_of(spec.command) + bytes_of(spec.env)));
  BOXLITE_TRY(check_working_dir(spec.working_dir));
  BOXLITE_TRY(check_user(spec.user));
  if (spec.terminal) {
    BOXLITE_TRY(check_range("terminal.rows", spec.terminal->rows, 1, 65'535));
    BOXLITE_TRY(check_range("terminal.columns", spec.terminal->columns, 1, 65'535));
  }
  if (spec.timeout.count() < 0) {
    return fail(ErrorCode::invalid_argument,
                concat("timeout ", spec.timeout.count(), " ms is not valid: it must be 0 (none) or more"));
  }
  return {};
}

Result<void> check_signal(int signal) {
  if (signal >= 1 && signal <= 64) return {};
  return fail(ErrorCode::invalid_argument, concat("signal ", signal, " is not valid: it must be 1 to 64"));
}

Result<void> check_execution_id(std::string_view id) {
  if (id.size() <= max_name_length && is_word(id, "_.-")) return {};
  return wrong("execution id", id, "use Execution::id()");
}

}  // namespace boxlite::box
