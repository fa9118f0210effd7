// SPDX-License-Identifier: Apache-2.0
#include "cli/output/progress.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/output/output.h"
#include "cli/output/table.h"
#include "cli/output/units.h"
#include "cli/terminal/terminal.h"

namespace boxlite::cli {

namespace {

constexpr auto redraw_interval = std::chrono::milliseconds(80);
constexpr auto plain_interval = std::chrono::seconds(5);
constexpr auto settling_time = std::chrono::milliseconds(500);  // a rate from less is noise
constexpr std::size_t bar_width = 24;
constexpr std::size_t narrowest_with_bar = 70;

std::string bar(double share) {
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(bar_width));
  std::string text(filled, '=');
  if (filled < bar_width) text += '>';
  text.resize(bar_width, ' ');
  return text;
}

std::string amounts(const boxlite::Progress& progress) {
  if (progress.total == 0) return progress.done == 0 ? "" : format_size(progress.done);
  return fmt::format("{} / {}", format_size(std::min(progress.done, progress.total)),
                     format_size(progress.total));
}

// "base_disk" → "base disk"
std::string spoken(std::string_view stage) {
  auto text = printable(stage);
  std::ranges::replace(text, '_', ' ');
  return text;
}

void write_error(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

std::string progress_line(const boxlite::Progress& progress, double bytes_per_second, std::size_t width) {
  std::string tail;
  if (progress.total != 0 && width >= narrowest_with_bar) {
    const auto share = static_cast<double>(progress.done) / static_cast<double>(progress.total);
    tail = fmt::format("  [{}]", bar(std::clamp(share, 0.0, 1.0)));
  }
  if (const auto text = amounts(progress); !text.empty()) tail += "  " + text;
  if (bytes_per_second >= 1)
    tail += fmt::format("  {}/s", format_size(static_cast<std::uint64_t>(bytes_per_second)));

  const auto stage = fmt::format("{:<6}", spoken(progress.stage));
  const auto taken = display_width(stage) + 1 + display_width(tail);
  std::string line = stage;
  if (!progress.detail.empty() && width > taken + 4) {
    line += ' ' + shortened(printable(progress.detail), width - taken);
  }
  return shortened(line + tail, width);
}

Progress::Progress(bool is_quiet) : is_quiet_(is_quiet), is_terminal_(is_terminal(STDERR_FILENO)) {}

ProgressCallback Progress::callback() {
  return [this](const boxlite::Progress& progress) {
    if (progress.stage == warning_stage) {
      clear();
      warn(progress.detail);
    } else if (!is_quiet_) {
      report(progress);
    }
  };
}

void Progress::clear() {
  const std::lock_guard lock(mutex_);
  if (is_drawn_) write_error("\r\033[K");
  is_drawn_ = false;
}

void Progress::begin_stage(const boxlite::Progress& progress, Clock::time_point now) {
  stage_ = progress.stage;
  detail_ = progress.detail;
  first_done_ = progress.done;
  begun_ = now;
}

double Progress::rate(const boxlite::Progress& progress, Clock::time_point now) const {
  if (now - begun_ < settling_time || progress.done <= first_done_) return 0;
  const std::chrono::duration<double> seconds = now - begun_;
  return static_cast<double>(progress.done - first_done_) / seconds.count();
}

void Progress::draw(const boxlite::Progress& progress, Clock::time_point now) {
  shown_ = now;
  if (is_terminal_) {
    is_drawn_ = true;
    // One column is left free: a full last column wraps on some terminals.
    write_error("\r\033[K" +
                progress_line(progress, rate(progress, now), terminal_size(STDERR_FILENO).columns - 1));
  } else {
    write_error(
        fmt::format("{} {}  {}\n", printable(progress.stage), printable(progress.detail), amounts(progress)));
  }
}

void Progress::report(const boxlite::Progress& progress) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  const bool is_new = progress.stage != stage_ || progress.detail != detail_;
  if (is_new) begin_stage(progress, now);
  if (is_terminal_) {
    if (is_new || now - shown_ >= redraw_interval || progress.done == progress.total) draw(progress, now);
  } else if (now - std::max(begun_, shown_) >= plain_interval) {
    draw(progress, now);
  }
}

}  // namespace boxlite::cli
