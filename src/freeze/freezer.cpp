// SPDX-License-Identifier: Apache-2.0
#include "freeze/freezer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <span>
#include <thread>
#include <vector>

#include <fcntl.h>

#include "base/concat.h"
#include "base/files.h"
#include "freeze/image_texts.h"
#include "freeze/memory_map.h"
#include "freeze/memory_writer.h"
#include "freeze/process_image.h"
#include "freeze/traced_process.h"

namespace boxlite::freeze {
namespace {

constexpr std::chrono::milliseconds pause_between_tries{5};

// As /proc/<pid>/stat has them (proc(5)), counted from 1 after the process's name, which is field 2.
Result<std::array<std::uint64_t, 53>> stat_fields(pid_t pid) {
  const auto text = BOXLITE_TRY(read_file(concat("/proc/", pid, "/stat")));
  std::array<std::uint64_t, 53> fields{};
  const char* at = text.data() + std::min(text.rfind(')') + 1, text.size());
  const char* const end = text.data() + text.size();
  for (std::size_t field = 3; field < fields.size() && at < end; ++field) {
    while (at < end && *at == ' ') ++at;
    std::from_chars(at, end, fields[field]);
    while (at < end && *at != ' ') ++at;
  }
  return fields;
}

Result<Layout> layout_of(pid_t pid, std::span<const Area> areas) {
  const auto fields = BOXLITE_TRY(stat_fields(pid));
  Layout layout = {.start_code = fields[26],
                   .end_code = fields[27],
                   .start_data = fields[45],
                   .end_data = fields[46],
                   .start_break = fields[47],
                   .end_break = fields[47],
                   .start_stack = fields[28],
                   .start_arguments = fields[48],
                   .end_arguments = fields[49],
                   .start_environment = fields[50],
                   .end_environment = fields[51]};
  for (const auto& area : areas)
    if (area.name == "[heap]") layout.end_break = area.end;
  return layout;
}

template <typename Element>
std::string_view bytes_of(const std::vector<Element>& elements) {
  return {reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(Element)};
}

Result<void> write_image(const std::filesystem::path& file, ImageHeader header,
                         std::span<const std::string_view> tables) {
  header.bytes = sizeof header;
  for (const auto table : tables) header.bytes += table.size();
  const auto image = BOXLITE_TRY(open_file(file, O_WRONLY | O_CREAT | O_TRUNC));
  BOXLITE_TRY(write_all(image.get(), {reinterpret_cast<const char*>(&header), sizeof header}, file.native()));
  for (const auto table : tables) BOXLITE_TRY(write_all(image.get(), table, file.native()));
  return {};
}

Result<void> freeze_stopped(const Order& order, TracedProcess process) {
  const auto areas = BOXLITE_TRY(areas_of(order.pid));
  const auto threads = BOXLITE_TRY(process.threads());
  if (threads.size() > most_threads) return fail(ErrorCode::unsupported, "freeze: too many threads");
  ImageTexts texts;
  std::vector<Descriptor> descriptors;
  for (auto& named : BOXLITE_TRY(descriptors_of(order.pid, order.name_given))) {
    if (!named.name.empty()) named.descriptor.name = texts.add(named.name);
    descriptors.push_back(named.descriptor);
  }
  MemoryWriter memory(order, process, texts);
  BOXLITE_TRY(memory.write(areas));

  ImageHeader header = {};
  header.magic = image_magic;
  header.thread_count = threads.size();
  header.mapping_count = memory.mappings().size();
  header.file_count = memory.files().size();
  header.descriptor_count = descriptors.size();
  header.special_count = memory.special().size();
  std::ranges::copy(memory.special(), header.special);
  header.layout = BOXLITE_TRY(layout_of(order.pid, areas));
  const auto name = BOXLITE_TRY(read_file(concat("/proc/", order.pid, "/comm")));
  name.copy(header.name, std::min(name.find('\n'), sizeof header.name - 1));
  // Last: it disturbs the process.
  BOXLITE_TRY(process.read_attributes(header));
  process.kill();
  const auto text_bytes = std::move(texts).finish();
  const std::string_view tables[] = {bytes_of(threads), bytes_of(memory.mappings()), bytes_of(memory.files()),
                                     bytes_of(descriptors), text_bytes};
  return write_image(order.image, header, tables);
}

}  // namespace

Result<void> freeze(const Order& order, Deadline deadline) {
  while (true) {
    auto process = TracedProcess::stop(order.pid);
    if (process) return freeze_stopped(order, *std::move(process));
    if (process.error().code() != ErrorCode::unavailable || deadline.has_passed())
      return std::unexpected(std::move(process).error());
    // Nothing tells when a thread of another process begins to wait.
    std::this_thread::sleep_for(pause_between_tries);
  }
}

}  // namespace boxlite::freeze
