// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/execution_listing.h"
#include "cli/output/json_text.h"
#include "model/fields/execution.h"

namespace boxlite::cli {

namespace {

Json execution_object(const ExecutionInfo& execution) {
  auto object = shown(execution);
  object["state"] = execution.status ? "ended" : "running";
  return object;
}

}  // namespace

std::string executions_json(const std::vector<ExecutionInfo>& executions) {
  return json_document(json_list(executions, execution_object));
}

}  // namespace boxlite::cli
