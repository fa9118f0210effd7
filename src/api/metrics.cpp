// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <string_view>

#include <boxlite/metrics.hpp>

#include "base/concat.h"
#include "base/utf8.h"

namespace boxlite {
namespace {

// Every family comes in one piece: HELP, TYPE, then its samples, as the format demands.
class PrometheusText {
 public:
  void begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_ += concat("# HELP ", name, ' ', help, "\n# TYPE ", name, ' ', type, '\n');
  }
  void sample(std::uint64_t value, std::string_view labels = {}) { line(concat(value), labels); }
  void seconds(std::chrono::nanoseconds value, std::string_view labels = {}) {
    char digits[32];
    const auto end =
        std::to_chars(digits, digits + sizeof digits, static_cast<double>(value.count()) / 1e9).ptr;
    line({digits, static_cast<std::size_t>(end - digits)}, labels);
  }
  std::string take() { return std::move(text_); }

 private:
  void line(std::string_view value, std::string_view labels) {
    text_ += labels.empty() ? concat(name_, ' ', value, '\n') : concat(name_, '{', labels, "} ", value, '\n');
  }
  std::string name_;
  std::string text_;
};

std::string label(std::string_view name, std::string_view value) {
  std::string escaped;
  for (const char c : value) {
    if (c == '\n') {
      escaped += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c;
  }
  return concat(name, "=\"", is_utf8(value) ? escaped : std::string("?"), '"');
}

std::string labels_of(const BoxStats& box) {
  return concat(label("box", box.id), ',', label("name", box.name));
}

void write_home(PrometheusText& out, const RuntimeMetrics& home) {
  struct Total {
    std::string_view name;
    std::uint64_t value;
    std::string_view help;
  };
  const Total totals[] = {
      {"boxlite_boxes_created_total", home.boxes_created, "Boxes that were created."},
      {"boxlite_boxes_started_total", home.boxes_started, "Starts of boxes that succeeded."},
      {"boxlite_boxes_failed_total", home.boxes_failed, "Starts that failed and machines that broke."},
      {"boxlite_boxes_stopped_total", home.boxes_stopped, "Machines that ended in order."},
      {"boxlite_boxes_removed_total", home.boxes_removed, "Boxes that were removed."},
      {"boxlite_boxes_restarted_total", home.boxes_restarted, "Restarts by a restart policy."},
      {"boxlite_commands_total", home.activity.commands, "Commands begun in boxes, main commands included."},
      {"boxlite_command_errors_total", home.activity.command_errors, "Commands that could not be started."},
      {"boxlite_command_timeouts_total", home.activity.command_timeouts, "Commands killed by their timeout."},
      {"boxlite_command_oom_kills_total", home.activity.command_oom_kills,
       "Commands that ran out of memory."},
      {"boxlite_bytes_in_total", home.activity.bytes_in, "Bytes sent into boxes on streams."},
      {"boxlite_bytes_out_total", home.activity.bytes_out, "Bytes that came out of boxes on streams."},
      {"boxlite_images_pulled_total", home.images_pulled, "Images downloaded from registries."},
  };
  for (const auto& total : totals) {
    out.begin(total.name, "counter", total.help);
    out.sample(total.value);
  }
  out.begin("boxlite_boxes", "gauge", "Boxes by status.");
  for (const auto& count : home.boxes) out.sample(count.boxes, label("status", name(count.status)));
  out.begin("boxlite_images", "gauge", "Images that are stored.");
  out.sample(home.images);
  out.begin("boxlite_image_bytes", "gauge", "Size of the stored images, compressed.");
  out.sample(home.image_bytes);
}

template <typename Value>
void write_family(PrometheusText& out, std::span<const BoxStats> boxes, Value value) {
  for (const auto& box : boxes) out.sample(value(box), labels_of(box));
}

// The same of what only a guest that answers can say.
template <typename Value>
void write_guest_family(PrometheusText& out, std::span<const BoxStats> boxes, Value value) {
  for (const auto& box : boxes) {
    if (box.guest) out.sample(value(*box.guest), labels_of(box));
  }
}

void write_guests(PrometheusText& out, std::span<const BoxStats> boxes) {
  out.begin("boxlite_box_cpu_seconds_total", "counter",
            "CPU time of everything in the box, since its start.");
  for (const auto& box : boxes) {
    if (box.guest) out.seconds(box.guest->container_cpu, labels_of(box));
  }
  out.begin("boxlite_box_memory_bytes", "gauge", "Memory of everything in the box, page cache included.");
  write_guest_family(out, boxes, [](const auto& guest) { return guest.container_memory_bytes; });
  out.begin("boxlite_box_memory_limit_bytes", "gauge", "Memory of the box's machine.");
  write_guest_family(out, boxes, [](const auto& guest) { return guest.memory_total_bytes; });
  out.begin("boxlite_box_oom_kills_total", "counter",
            "Processes killed for want of memory, since its start.");
  write_guest_family(out, boxes, [](const auto& guest) { return guest.container_oom_kills; });
  out.begin("boxlite_box_pids", "gauge", "Processes and threads in the box.");
  write_guest_family(out, boxes, [](const auto& guest) { return std::uint64_t{guest.container_pids}; });
  out.begin("boxlite_box_block_read_bytes_total", "counter",
            "Bytes read from the box's disk, since its start.");
  write_guest_family(out, boxes, [](const auto& guest) { return guest.block_read_bytes; });
  out.begin("boxlite_box_block_written_bytes_total", "counter", "Bytes written to the box's disk.");
  write_guest_family(out, boxes, [](const auto& guest) { return guest.block_written_bytes; });
  out.begin("boxlite_box_network_received_bytes_total", "counter", "Bytes that the box received.");
  write_guest_family(out, boxes, [](const auto& guest) { return guest.network_received_bytes; });
  out.begin("boxlite_box_network_sent_bytes_total", "counter", "Bytes that the box sent.");
  write_guest_family(out, boxes, [](const auto& guest) { return guest.network_sent_bytes; });
}

void write_boxes(PrometheusText& out, std::span<const BoxStats> boxes) {
  out.begin("boxlite_box_commands_total", "counter", "Commands begun in the box since it was created.");
  write_family(out, boxes, [](const auto& box) { return box.activity.commands; });
  out.begin("boxlite_box_host_cpu_seconds_total", "counter", "CPU time of the box's processes on the host.");
  for (const auto& box : boxes) out.seconds(box.host.cpu, labels_of(box));
  out.begin("boxlite_box_host_memory_bytes", "gauge",
            "Proportional memory of the box's processes on the host.");
  write_family(out, boxes, [](const auto& box) { return box.host.memory_pss_bytes; });
  out.begin("boxlite_box_host_disk_bytes", "gauge", "What the box occupies on the host's disk.");
  write_family(out, boxes, [](const auto& box) { return box.host.disk_bytes; });
  write_guests(out, boxes);
}

}  // namespace

double cpu_percent(const BoxStats& earlier, const BoxStats& later) {
  if (!earlier.guest || !later.guest) return 0;
  const auto elapsed = later.guest->uptime - earlier.guest->uptime;
  const auto used = later.guest->container_cpu - earlier.guest->container_cpu;
  if (elapsed.count() <= 0 || used.count() < 0) return 0;
  return 100.0 * static_cast<double>(used.count()) / static_cast<double>(elapsed.count());
}

std::string prometheus_text(const RuntimeMetrics& metrics, std::span<const BoxStats> boxes) {
  PrometheusText out;
  write_home(out, metrics);
  if (!boxes.empty()) write_boxes(out, boxes);
  return out.take();
}

}  // namespace boxlite
