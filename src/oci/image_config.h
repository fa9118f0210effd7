// SPDX-License-Identifier: Apache-2.0
// The image configuration: how to run it, and what its layers are when unpacked.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "oci/digest.h"
#include "oci/platform.h"

namespace boxlite::oci {

struct HistoryEntry {
  std::string created = {};
  std::string created_by = {};
  std::string comment = {};
  bool empty_layer = false;
};

// HEALTHCHECK of a Dockerfile. `test` is as the image has it: CMD and words, CMD-SHELL and a text, or NONE.
struct ImageHealthCheck {
  std::vector<std::string> test = {};     // empty: the image has none
  std::chrono::milliseconds interval{0};  // 0: not given
  std::chrono::milliseconds timeout{0};
  std::chrono::milliseconds start_period{0};
  unsigned retries = 0;
};

struct ImageConfig {
  std::vector<std::string> env = {};  // NAME=value, in the image's order
  std::vector<std::string> entrypoint = {};
  std::vector<std::string> cmd = {};
  std::string working_dir = {};
  std::string user = {};
  std::vector<std::string> exposed_ports = {};  // "80/tcp", sorted
  std::vector<std::string> volumes = {};        // paths, sorted
  std::map<std::string, std::string> labels = {};
  std::string stop_signal = {};
  ImageHealthCheck health = {};
  Platform platform = {};
  std::string author = {};
  std::optional<Timestamp> created = {};
  std::vector<Digest> diff_ids = {};  // of the uncompressed layers, bottom first
  std::vector<HistoryEntry> history = {};
};

// Bytes from anybody; wrong types are errors, missing parts are empty. An unreadable creation time is no
// time.
Result<ImageConfig> parse_image_config(std::string_view json);

}  // namespace boxlite::oci
