// SPDX-License-Identifier: Apache-2.0
// What every command understands: where the home is and how to reach registries.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boxlite/runtime.hpp>

#include "cli/ending.h"

namespace boxlite::cli {

class OptionSet;

struct GlobalOptions {
  std::string home;
  std::string runtime_dir;
  std::string config_file;
  std::optional<Accelerator> accelerator;
  std::vector<std::string> registries;
  std::vector<std::string> insecure_registries;
  bool debug = false;
};

// `is_brief`: the help of a command only mentions them.
void declare_global_options(OptionSet& options, GlobalOptions& global, bool is_brief);

// The file of --config: only what it names is set.
struct ConfigFile {
  std::string home;
  std::string runtime_dir;
  std::optional<Accelerator> accelerator;
  std::vector<RegistryOptions> registries;
};
// `origin` names the file in errors. Unknown keys are errors: a typo must not become a default.
Parsed<ConfigFile> parse_config(std::string_view content, std::string_view origin);

// Options win over the environment, the environment over the file.
RuntimeOptions merge(const GlobalOptions& global, const ConfigFile& file, bool has_home_variable,
                     bool has_runtime_variable);

Parsed<Runtime> open_runtime(const GlobalOptions& global);
// The box of that name, id or beginning of an id; it keeps its runtime.
Parsed<Box> open_box(const GlobalOptions& global, std::string_view name);

}  // namespace boxlite::cli
