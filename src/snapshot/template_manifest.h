// SPDX-License-Identifier: Apache-2.0
// What a template's files must hold, and the proof that they do.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "engine/snapshot.h"

namespace boxlite::snapshot {

// The digest of a file's data: its size, and each stretch of it that is no hole. Quick for sparse files.
Result<std::string> digest_of_data(const std::filesystem::path& file);

struct TemplateManifest {
  std::string memory_digest = {};
  std::string state_digest = {};
  std::string disk_digest = {};   // empty: it has none
  std::string pages_digest = {};  // empty: it is not warm

  bool operator==(const TemplateManifest&) const = default;
};

std::string to_json(const TemplateManifest& manifest);
Result<TemplateManifest> parse_template_manifest(std::string_view json);

// The files as they are now: which ones (device, inode), how large, and when they were last written to; and
// this boot of the host. While it stays the same, a digest need not be taken again: the page cache cannot rot
// as a disk can.
Result<std::string> fingerprint(const engine::Snapshot& files);

}  // namespace boxlite::snapshot
