// SPDX-License-Identifier: Apache-2.0
// Layout of a new overlay, one cluster (64 KiB) each: header · refcount table · first refcount block · L1
// table. The format is described in QEMU's docs/interop/qcow2.
#include "qcow2/header.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "qcow2/format.h"

namespace boxlite::qcow2 {
namespace {

constexpr std::uint64_t incompatible_dirty = 1;
constexpr std::uint64_t incompatible_corrupt = 2;
constexpr std::uint64_t max_table_bytes = std::uint64_t{32} << 20;

template <typename Number>
Number get(std::string_view bytes, std::size_t offset) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    number = static_cast<Number>(number << 8 | static_cast<unsigned char>(bytes[offset + i]));
  }
  return number;
}

Error refused(std::string_view why) {
  return {ErrorCode::corrupted, concat("read qcow2 header: ", why)};
}

// A table must be cluster-aligned, behind the header and inside the file.
bool table_fits(std::uint64_t offset, std::uint64_t bytes, std::uint64_t cluster_size,
                std::uint64_t file_size) {
  return offset >= cluster_size && offset % cluster_size == 0 && bytes <= max_table_bytes &&
         bytes <= file_size && offset <= file_size - bytes;
}

Result<void> check_features(std::string_view start, const Header& header) {
  if (get<std::uint32_t>(start, 32) != 0) return fail(refused("encrypted images are not accepted"));
  if (get<std::uint32_t>(start, 60) != 0) return fail(refused("internal snapshots are not accepted"));
  if (header.version < 3) return {};
  const auto incompatible = get<std::uint64_t>(start, 72);
  if ((incompatible & incompatible_corrupt) != 0) return fail(refused("QEMU marked it as damaged"));
  if ((incompatible & ~incompatible_dirty) != 0) {
    return fail(
        refused("it needs features that are not accepted (external data file, compression type or others)"));
  }
  if (get<std::uint32_t>(start, 96) > 6) return fail(refused("its refcount width is not valid"));
  return {};
}

Result<void> check_tables(std::string_view start, const Header& header, std::uint64_t file_size) {
  const std::uint64_t cluster_size = std::uint64_t{1} << header.cluster_bits;
  const std::uint64_t l1_entries = get<std::uint32_t>(start, 36);
  const std::uint64_t per_entry = cluster_size / 8 * cluster_size;
  if (header.virtual_size > max_virtual_size)
    return fail(refused("its virtual size is over the limit of 16 TiB"));
  if (l1_entries < (header.virtual_size + per_entry - 1) / per_entry ||
      !table_fits(get<std::uint64_t>(start, 40), l1_entries * 8, cluster_size, file_size)) {
    return fail(refused("its L1 table is out of bounds"));
  }
  const std::uint64_t refcount_bytes = get<std::uint32_t>(start, 56) * cluster_size;
  if (refcount_bytes == 0 ||
      !table_fits(get<std::uint64_t>(start, 48), refcount_bytes, cluster_size, file_size)) {
    return fail(refused("its refcount table is out of bounds"));
  }
  return {};
}

// Extensions lie between the header and the backing file's name.
Result<void> read_extensions(std::string_view start, std::size_t from, std::size_t to, Header& header) {
  while (to - from >= 8) {
    const auto type = get<std::uint32_t>(start, from);
    const auto length = std::size_t{get<std::uint32_t>(start, from + 4)};
    if (type == 0) return {};
    if (length > to - from - 8) return fail(refused("a header extension is out of bounds"));
    if (type == backing_format_extension) header.backing_format = start.substr(from + 8, length);
    from += 8 + std::min((length + 7) & ~std::size_t{7}, to - from - 8);
  }
  return {};
}

}  // namespace

Result<Header> parse_header(std::string_view start, std::uint64_t file_size) {
  if (start.size() < 72 || get<std::uint32_t>(start, 0) != magic)
    return fail(refused("this is not a qcow2 file"));
  Header header;
  header.version = get<std::uint32_t>(start, 4);
  if (header.version != 2 && header.version != 3)
    return fail(refused(concat("unknown version ", header.version)));
  if (header.version == 3 && start.size() < header_bytes) return fail(refused("the file ends too early"));
  header.cluster_bits = get<std::uint32_t>(start, 20);
  if (header.cluster_bits < 9 || header.cluster_bits > 21)
    return fail(refused("its cluster size is not valid"));
  header.virtual_size = get<std::uint64_t>(start, 24);
  BOXLITE_TRY(check_features(start, header));
  BOXLITE_TRY(check_tables(start, header, file_size));
  header.has_dirty_bit = header.version == 3 && (get<std::uint64_t>(start, 72) & incompatible_dirty) != 0;

  const std::size_t length = header.version == 3 ? get<std::uint32_t>(start, 100) : 72;
  const std::uint64_t cluster_size = std::uint64_t{1} << header.cluster_bits;
  if (length < (header.version == 3 ? header_bytes : 72) ||
      length > std::min<std::uint64_t>(cluster_size, start.size())) {
    return fail(refused("its header length is not valid"));
  }
  const auto name_offset = get<std::uint64_t>(start, 8);
  const std::size_t name_length = get<std::uint32_t>(start, 16);
  std::size_t extensions_end = std::min<std::size_t>(cluster_size, start.size());
  if (name_offset != 0) {
    if (name_length > max_backing_name || name_offset < length || name_offset > extensions_end ||
        name_length > extensions_end - name_offset) {
      return fail(refused("the name of its backing file is out of bounds"));
    }
    header.backing_file = start.substr(name_offset, name_length);
    extensions_end = name_offset;
  }
  BOXLITE_TRY(read_extensions(start, length, extensions_end, header));
  return header;
}

Result<Header> read_header(const std::filesystem::path& path) {
  const UniqueFd file = BOXLITE_TRY(open_file(path, O_RDONLY));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail(syscall_error("stat", path.native(), errno));
  std::string start(cluster, '\0');
  const ssize_t got = ::pread(file.get(), start.data(), start.size(), 0);
  if (got < 0) return fail(syscall_error("read", path.native(), errno));
  start.resize(static_cast<std::size_t>(got));
  return BOXLITE_TRY_CONTEXT(concat("open disk ", in_quotes(path.native())),
                             parse_header(start, static_cast<std::uint64_t>(status.st_size)));
}

}  // namespace boxlite::qcow2
