// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "box/spec_json.h"
#include "box/status.h"
#include "runtime/local/local_box.h"

namespace boxlite::local {
namespace {

std::uint64_t occupied_bytes(const std::filesystem::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return 0;
  return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

}  // namespace

Result<BoxInfo> box_facts(const store::BoxRecord& record, const box::BoxPaths& paths) {
  const auto& state = record.state;
  BoxInfo facts;
  facts.id = record.id;
  facts.spec = BOXLITE_TRY(box::parse_box_spec(record.spec));
  facts.status = box::parse_status(state.status);
  facts.image_digest = record.image_digest;
  facts.created_at = record.created_at;
  facts.started_at = state.started_at;
  facts.stopped_at = state.stopped_at;
  facts.exit_code = state.exit_code;
  facts.failure = state.failure;
  facts.shim_pid = state.shim_pid;
  facts.vmm_pid = state.vmm_pid;
  if (facts.status == BoxStatus::running || facts.status == BoxStatus::stopping)
    facts.accelerator = state.accelerator;
  facts.kernel_release = state.kernel_release;
  facts.start_stages = box::parse_stages(state.stages);
  facts.disk_bytes = occupied_bytes(paths.disk());
  facts.directory = paths.directory;
  return facts;
}

}  // namespace boxlite::local
