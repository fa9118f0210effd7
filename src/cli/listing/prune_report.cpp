// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/prune_report.h"

#include <fmt/format.h>

#include "cli/output/output.h"
#include "cli/output/output_json.h"
#include "cli/output/units.h"

namespace boxlite::cli {

Outcome show_prune_report(const Result<PruneReport>& report, bool is_dry_run, OutputFormat format) {
  if (!report) return std::unexpected(report.error());
  if (format == OutputFormat::json) {
    print(prune_json(*report, is_dry_run));
    return exit_success;
  }
  for (const auto& removed : report->removed) print_line(removed);
  print_line(fmt::format("{}: {}", is_dry_run ? "Would free" : "Freed", format_size(report->freed_bytes)));
  return exit_success;
}

}  // namespace boxlite::cli
