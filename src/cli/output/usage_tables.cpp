// SPDX-License-Identifier: Apache-2.0
#include "cli/output/usage_tables.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "cli/listing/listing.h"
#include "cli/output/table.h"
#include "cli/output/units.h"

namespace boxlite::cli {

namespace {

std::string percent(double value) {
  return fmt::format("{:.2f}%", value);
}

std::string share(std::uint64_t part, std::uint64_t whole) {
  return percent(whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole));
}

// "0:01.25", as ps and top write it.
std::string clock_time(std::chrono::nanoseconds time) {
  const auto hundredths = time.count() / 10'000'000;
  return fmt::format("{}:{:02}.{:02}", hundredths / 6000, hundredths / 100 % 60, hundredths % 100);
}

std::string age(std::chrono::nanoseconds time) {
  return format_duration(std::chrono::floor<std::chrono::seconds>(time));
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

}  // namespace

std::string stats_table(const std::vector<Reading>& readings) {
  Table table(
      {"BOX ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "HOST MEM", "BLOCK I/O", "NET I/O", "PIDS"});
  for (const auto& reading : readings) {
    const auto& box = reading.later;
    const auto host = format_size(box.host.memory_pss_bytes);
    if (!box.guest) {
      table.add_row({box.id, box.name, "--", "--", "--", host, "--", "--", "--"});
      continue;
    }
    const auto& guest = *box.guest;
    table.add_row(
        {box.id, box.name, percent(cpu_percent(reading.earlier, box)),
         fmt::format("{} / {}", format_size(guest.container_memory_bytes),
                     format_size(guest.memory_total_bytes)),
         share(guest.container_memory_bytes, guest.memory_total_bytes), host,
         fmt::format("{} / {}", format_size(guest.block_read_bytes), format_size(guest.block_written_bytes)),
         fmt::format("{} / {}", format_size(guest.network_received_bytes),
                     format_size(guest.network_sent_bytes)),
         fmt::format("{}", guest.container_pids)});
  }
  return table.text();
}

std::string processes_table(const ProcessList& list) {
  Table table({"PID", "PPID", "USER", "STATE", "THREADS", "MEMORY", "TIME", "STARTED", "COMMAND"});
  for (const auto& process : list.processes) {
    table.add_row({fmt::format("{}", process.pid), fmt::format("{}", process.parent_pid), process.user,
                   process.state, fmt::format("{}", process.threads), format_size(process.memory_bytes),
                   clock_time(process.cpu), age(process.age) + " ago", joined(process.command)});
  }
  auto text = table.text();
  const auto hidden = list.total - std::min(list.total, static_cast<std::uint32_t>(list.processes.size()));
  if (hidden > 0) text += fmt::format("({} more)\n", hidden);
  return text;
}

std::string event_text(const Event& event) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(event.time);
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(event.time - seconds);
  auto text = fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z {} {}",
                          fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), milliseconds.count(),
                          event.box_id.empty() ? "home" : "box", event.type);
  if (!event.box_id.empty()) text += " " + event.box_id;
  std::string details;
  if (!event.box_name.empty()) details += "name=" + event.box_name;
  for (const auto& [key, value] : event.attributes) {
    details += fmt::format("{}{}={}", details.empty() ? "" : ", ", key, value);
  }
  if (!details.empty()) text += " (" + details + ")";
  return printable(text);
}

}  // namespace boxlite::cli
