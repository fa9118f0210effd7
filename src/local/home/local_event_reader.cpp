// SPDX-License-Identifier: Apache-2.0
#include "local/home/local_event_reader.h"

#include <algorithm>
#include <utility>

#include "box/call.h"

namespace boxlite::local {
namespace {

using namespace std::chrono_literals;

// Beyond it, for ever; so that no sum of times overflows.
constexpr std::chrono::milliseconds longest_limit = std::chrono::hours(24 * 365);

}  // namespace

Result<std::shared_ptr<LocalEventReader>> LocalEventReader::open(const std::filesystem::path& home,
                                                                 EventOptions options) {
  using Begin = journal::EventCursor::Begin;
  auto cursor = BOXLITE_TRY(
      journal::EventCursor::open(journal::EventLog(home), options.since ? Begin::oldest : Begin::now));
  return std::shared_ptr<LocalEventReader>(new LocalEventReader(std::move(cursor), std::move(options)));
}

Result<std::optional<Event>> LocalEventReader::next(const CallOptions& call) {
  const std::lock_guard lock(mutex_);
  const auto deadline = box::deadline_of(call);
  while (!is_over_) {
    // What is written already is read even when the time is up.
    const auto left = options_.until ? *options_.until - now() : TimePoint::duration::max();
    const auto until_end = std::clamp(std::chrono::ceil<std::chrono::milliseconds>(left), 0ms, longest_limit);
    auto event = BOXLITE_TRY(cursor_.next(deadline.within(until_end)));
    if (event && options_.until && event->time >= *options_.until) is_over_ = true;
    if (!event && options_.until && now() >= *options_.until) is_over_ = true;
    if (is_over_) break;
    if (event && is_wanted(*event)) return event;
    if (!event && deadline.has_passed()) return fail(deadline.error("read events: none came in time"));
  }
  return std::optional<Event>();
}

bool LocalEventReader::is_wanted(const Event& event) const {
  if (options_.since && event.time < *options_.since) return false;
  if (!options_.types.empty() && std::ranges::find(options_.types, event.type) == options_.types.end())
    return false;
  if (options_.boxes.empty()) return true;
  return std::ranges::any_of(options_.boxes, [&](const std::string& box) {
    return !box.empty() && (event.box_name == box || event.box_id.starts_with(box));
  });
}

}  // namespace boxlite::local
