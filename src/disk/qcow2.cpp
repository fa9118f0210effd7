// SPDX-License-Identifier: Apache-2.0
// Layout of a new overlay, one cluster (64 KiB) each: header · refcount table · first refcount block · L1
// table. The format is described in QEMU's docs/interop/qcow2.
#include "disk/qcow2.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/scope_exit.h"

namespace boxlite::disk {
namespace {

constexpr std::uint32_t magic = 0x514649fb;
constexpr std::uint32_t header_bytes = 104;
constexpr std::uint32_t cluster_bits = 16;
constexpr std::uint64_t cluster = std::uint64_t{1} << cluster_bits;
constexpr std::uint32_t backing_format_extension = 0xe2792aca;
constexpr std::uint64_t incompatible_dirty = 1;
constexpr std::uint64_t bytes_per_l1_entry = cluster / 8 * cluster;
constexpr std::uint64_t max_virtual_size = std::uint64_t{16} << 40;
constexpr std::size_t max_backing_name = 1023;
constexpr std::uint64_t max_table_bytes = std::uint64_t{32} << 20;

// Big-endian numbers, appended and read in order.
class Fields {
 public:
  template <typename Number>
  void put(Number number) {
    for (int shift = static_cast<int>(sizeof(Number)) * 8 - 8; shift >= 0; shift -= 8) {
      bytes_ += static_cast<char>(static_cast<unsigned char>(number >> shift));
    }
  }
  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
};

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

Result<void> check_features(std::string_view start, const Qcow2Header& header) {
  if (get<std::uint32_t>(start, 32) != 0) return fail(refused("encrypted images are not accepted"));
  if (get<std::uint32_t>(start, 60) != 0) return fail(refused("internal snapshots are not accepted"));
  if (header.version < 3) return {};
  const auto incompatible = get<std::uint64_t>(start, 72);
  if ((incompatible & ~incompatible_dirty) != 0) {
    return fail(
        refused("it needs features that are not accepted (external data file, compression type or others)"));
  }
  if (get<std::uint32_t>(start, 96) > 6) return fail(refused("its refcount width is not valid"));
  return {};
}

Result<void> check_tables(std::string_view start, const Qcow2Header& header, std::uint64_t file_size) {
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
Result<void> read_extensions(std::string_view start, std::size_t from, std::size_t to, Qcow2Header& header) {
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

Result<Qcow2Header> parse_qcow2_header(std::string_view start, std::uint64_t file_size) {
  if (start.size() < 72 || get<std::uint32_t>(start, 0) != magic)
    return fail(refused("this is not a qcow2 file"));
  Qcow2Header header;
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

Result<Qcow2Header> read_qcow2_header(const std::filesystem::path& path) {
  const UniqueFd file = BOXLITE_TRY(open_file(path, O_RDONLY));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail(syscall_error("stat", path.native(), errno));
  std::string start(cluster, '\0');
  const ssize_t got = ::pread(file.get(), start.data(), start.size(), 0);
  if (got < 0) return fail(syscall_error("read", path.native(), errno));
  start.resize(static_cast<std::size_t>(got));
  return BOXLITE_TRY_CONTEXT(concat("open disk ", in_quotes(path.native())),
                             parse_qcow2_header(start, static_cast<std::uint64_t>(status.st_size)));
}

namespace {

Result<std::uint64_t> size_of_backing(const std::filesystem::path& overlay, const Backing& backing) {
  const std::filesystem::path file = overlay.parent_path() / backing.file;  // an absolute one stays as it is
  if (backing.format == "qcow2") {
    const Qcow2Header header = BOXLITE_TRY(read_qcow2_header(file));
    return header.virtual_size;
  }
  if (backing.format != "raw") {
    return fail(ErrorCode::invalid_argument,
                concat("backing format ", in_quotes(backing.format), " is not known"));
  }
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return fail(syscall_error("stat", file.native(), errno));
  return static_cast<std::uint64_t>(status.st_size);
}

// Refcounts are 16 bits wide; the four clusters in use count once each.
std::string overlay_bytes(const Backing& backing, std::uint64_t virtual_size, std::uint64_t l1_entries) {
  const std::uint64_t l1_clusters = (l1_entries * 8 + cluster - 1) / cluster;
  const std::string& name = backing.file.native();
  const std::size_t format_bytes = (backing.format.size() + 7) & ~std::size_t{7};
  const std::uint64_t name_offset = header_bytes + 8 + format_bytes + 8;
  Fields fields;
  fields.put(magic);
  fields.put(std::uint32_t{3});
  fields.put(name_offset);
  fields.put(static_cast<std::uint32_t>(name.size()));
  fields.put(cluster_bits);
  fields.put(virtual_size);
  fields.put(std::uint32_t{0});  // not encrypted
  fields.put(static_cast<std::uint32_t>(l1_entries));
  fields.put(std::uint64_t{3 * cluster});  // L1 table
  fields.put(std::uint64_t{1 * cluster});  // refcount table
  fields.put(std::uint32_t{1});
  fields.put(std::uint32_t{0});  // no snapshots
  fields.put(std::uint64_t{0});
  fields.put(std::uint64_t{0});  // incompatible, compatible and autoclear features
  fields.put(std::uint64_t{0});
  fields.put(std::uint64_t{0});
  fields.put(std::uint32_t{4});  // refcounts of 2^4 bits
  fields.put(header_bytes);
  fields.put(backing_format_extension);
  fields.put(static_cast<std::uint32_t>(backing.format.size()));
  std::string& bytes = fields.bytes();
  bytes += backing.format;
  bytes.resize(name_offset - 8);
  fields.put(std::uint64_t{0});  // end of extensions
  bytes += name;
  bytes.resize(cluster);
  fields.put(std::uint64_t{2 * cluster});
  bytes.resize(2 * cluster);
  for (std::uint64_t used = 0; used < 3 + l1_clusters; ++used) fields.put(std::uint16_t{1});
  return bytes;
}

Result<void> write_overlay(const std::filesystem::path& path, const Backing& backing,
                           std::uint64_t virtual_size) {
  const std::uint64_t backing_size = BOXLITE_TRY(size_of_backing(path, backing));
  if (backing.file.native().size() > max_backing_name) {
    return fail(ErrorCode::invalid_argument, "the path of the backing disk is longer than 1023 bytes");
  }
  if (virtual_size < backing_size || virtual_size > max_virtual_size) {
    return fail(
        Error(ErrorCode::invalid_argument,
              concat("a disk of ", virtual_size, " bytes cannot hold the image's disk of ", backing_size,
                     " bytes"))
            .with_remedy("ask for a disk that is at least as large as the image's, and at most 16 TiB"));
  }
  const std::uint64_t size = (virtual_size + 511) / 512 * 512;
  const std::uint64_t l1_entries = (size + bytes_per_l1_entry - 1) / bytes_per_l1_entry;
  const std::uint64_t l1_clusters = (l1_entries * 8 + cluster - 1) / cluster;
  const UniqueFd file = BOXLITE_TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  ScopeExit remove([&] { ::unlink(path.c_str()); });
  BOXLITE_TRY(write_all(file.get(), overlay_bytes(backing, size, l1_entries), path.native()));
  if (::ftruncate(file.get(), static_cast<off_t>((3 + l1_clusters) * cluster)) != 0) {
    return fail(syscall_error("truncate", path.native(), errno));
  }
  remove.release();
  return {};
}

}  // namespace

Result<void> create_overlay(const std::filesystem::path& path, const Backing& backing,
                            std::uint64_t virtual_size) {
  BOXLITE_TRY_CONTEXT(concat("create disk ", in_quotes(path.native())),
                      write_overlay(path, backing, virtual_size));
  return {};
}

}  // namespace boxlite::disk
