// SPDX-License-Identifier: Apache-2.0
#include "cli/options/global_options.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "cli/options/environment.h"
#include "cli/options/option_set.h"
#include "cli/output/output.h"
#include "cli/output/text_file.h"
#include "model/enum_names.h"

namespace boxlite::cli {

namespace {

RegistryOptions& registry_named(std::vector<RegistryOptions>& all, const std::string& host) {
  const auto found = std::ranges::find(all, host, &RegistryOptions::host);
  if (found != all.end()) return *found;
  RegistryOptions added;
  added.host = host;
  all.push_back(added);
  return all.back();
}

std::filesystem::path absolute(const std::string& path) {
  if (path.empty()) return {};
  std::error_code error;
  auto result = std::filesystem::absolute(path, error);
  return error ? std::filesystem::path(path) : result.lexically_normal();
}

LogCallback log_to_stderr(bool debug) {
  return [debug](LogLevel level, std::string_view message) {
    switch (level) {
      case LogLevel::error: complain(message); break;
      case LogLevel::warn: warn(message); break;
      case LogLevel::info:
      case LogLevel::debug:
        if (debug) trace(message);
        break;
    }
  };
}

}  // namespace

void declare_global_options(OptionSet& options, GlobalOptions& global, bool is_brief) {
  options.section(is_brief ? "Global options (boxlite --help)" : "Global options", is_brief);
  options.text(0, "home", "DIR", global.home, "Where boxes and images live ($BOXLITE_HOME, else ~/.boxlite)");
  options.text(0, "runtime-dir", "DIR", global.runtime_dir,
               "Where the shim and the guest's files are ($BOXLITE_RUNTIME_DIR, else beside the program)");
  options.value(0, "accel", "auto|kvm|tcg",
                "Hardware virtualization or emulation ($BOXLITE_ACCEL, else auto)",
                [&global](std::string_view text) -> std::optional<std::string> {
                  const auto accelerator = model::parse<Accelerator>(text);
                  if (!accelerator) return "is not auto, kvm or tcg";
                  global.accelerator = *accelerator;
                  return std::nullopt;
                });
  options.list(0, "registry", "HOST", global.registries,
               "Look for unqualified images here first (repeatable)");
  options.list(0, "insecure-registry", "HOST", global.insecure_registries,
               "Speak plain http with this registry (repeatable)");
  options.text(0, "config", "FILE", global.config_file, "JSON file with home, accel and registries");
  options.flag(0, "debug", global.debug, "Show what BoxLite does, on standard error");
}

RuntimeOptions merge(const GlobalOptions& global, const ConfigFile& file, bool has_home_variable,
                     bool has_runtime_variable) {
  RuntimeOptions options;
  options.home = absolute(global.home);
  if (global.home.empty() && !has_home_variable) options.home = absolute(file.home);
  options.runtime_dir = absolute(global.runtime_dir);
  if (global.runtime_dir.empty() && !has_runtime_variable) options.runtime_dir = absolute(file.runtime_dir);
  options.accelerator = global.accelerator.value_or(file.accelerator.value_or(Accelerator::automatic));

  // The order is the search order: those of the command line come first.
  for (const auto& host : global.registries) registry_named(options.registries, host).search = true;
  for (const auto& registry : file.registries) {
    auto& merged = registry_named(options.registries, registry.host);
    const bool search = merged.search || registry.search;
    merged = registry;
    merged.search = search;
  }
  for (const auto& host : global.insecure_registries) {
    registry_named(options.registries, host).insecure_http = true;
  }
  options.log = log_to_stderr(global.debug);
  return options;
}

Parsed<Runtime> open_runtime(const GlobalOptions& global) {
  ConfigFile file;
  if (!global.config_file.empty()) {
    const auto content = read_text_file(global.config_file);
    if (!content) return std::unexpected(content.error());
    auto parsed = parse_config(*content, global.config_file);
    if (!parsed) return std::unexpected(parsed.error());
    file = std::move(*parsed);
  }
  auto runtime = Runtime::open(merge(global, file, host_variable("BOXLITE_HOME").has_value(),
                                     host_variable("BOXLITE_RUNTIME_DIR").has_value()));
  if (!runtime) return std::unexpected(runtime.error());
  return std::move(*runtime);
}

Parsed<Box> open_box(const GlobalOptions& global, std::string_view name) {
  const auto runtime = open_runtime(global);
  if (!runtime) return std::unexpected(runtime.error());
  auto box = runtime->get(name);
  if (!box) return std::unexpected(box.error());
  return *std::move(box);
}

}  // namespace boxlite::cli
