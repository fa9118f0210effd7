// SPDX-License-Identifier: Apache-2.0
#include "journal/counters.h"
#include "local/box/local_box.h"
#include "local/home/local_event_reader.h"
#include "local/local_runtime.h"
#include "model/enum_names.h"

namespace boxlite::local {

using journal::Counter;

Result<std::shared_ptr<backend::EventReader>> LocalRuntime::events(const EventOptions& options) {
  return BOXLITE_TRY(LocalEventReader::open(home_.directory, options));
}

Result<RuntimeMetrics> LocalRuntime::metrics() {
  // First the boxes: looking at them may find, and count, the end of some.
  const auto boxes = BOXLITE_TRY(list({}));
  const auto images = BOXLITE_TRY(images_->list());
  const auto values = BOXLITE_TRY(journal::Counters(home_.directory / journal::counters_file_name).read());
  RuntimeMetrics metrics;
  metrics.boxes_created = values[Counter::boxes_created];
  metrics.boxes_started = values[Counter::boxes_started];
  metrics.boxes_failed = values[Counter::boxes_failed];
  metrics.boxes_stopped = values[Counter::boxes_stopped];
  metrics.boxes_removed = values[Counter::boxes_removed];
  metrics.boxes_restarted = values[Counter::boxes_restarted];
  metrics.activity = activity_of(values);
  metrics.images_pulled = values[Counter::images_pulled];
  for (const auto status : model::values<BoxStatus>()) {
    const auto count = std::ranges::count(boxes, status, &BoxInfo::status);
    metrics.boxes.push_back({status, static_cast<std::uint64_t>(count)});
  }
  metrics.images = images.size();
  for (const auto& image : images) metrics.image_bytes += image.size_bytes;
  return metrics;
}

}  // namespace boxlite::local
