// SPDX-License-Identifier: Apache-2.0
// links: logs
// The bytes of a container.log as anybody may have left them: read, and written on.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/files.h"
#include "logs/log_reader.h"
#include "logs/log_writer.h"

using namespace boxlite;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const TempDir directory = *TempDir::create("/tmp", "log-fuzz-");
  const auto path = directory.path() / "container.log";
  const std::string_view bytes(reinterpret_cast<const char*>(input), size);
  for (std::size_t age = 1; age < 4; ++age) (void)remove_tree(logs::rotated_name(path, age));
  if (!write_file_atomic(path, bytes)) std::abort();
  logs::LogReader reader(path);
  std::size_t total = 0;
  while (const auto record = reader.next()) total += record->bytes.size() + 1;
  if (total > size + 1) std::abort();
  const auto end = logs::find_end(path);
  if (end && end->size > size) std::abort();
  logs::LogWriter writer(path, {});
  writer.append(logs::RecordKind::stdout_bytes, "x", Timestamp());
  logs::LogReader again(path);
  std::string last;
  while (const auto record = again.next()) last = record->bytes;
  if (last != "x") std::abort();
  return 0;
}
