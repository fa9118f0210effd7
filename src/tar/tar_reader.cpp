// SPDX-License-Identifier: Apache-2.0
#include "tar/tar_reader.h"

#include <algorithm>
#include <limits>

#include "base/concat.h"
#include "tar/tar_fields.h"

namespace boxlite::tar {
namespace {

constexpr std::size_t max_extension = std::size_t{1} << 20;
constexpr std::size_t max_name = 4096;
constexpr std::size_t max_xattr_bytes = 64 * 1024;
constexpr std::size_t max_sparse_regions = 1'000'000;

Error broken(std::string_view what) {
  return {ErrorCode::corrupted, concat("read tar: ", what)};
}
Error over_limit(std::string_view what) {
  return {ErrorCode::resource_exhausted, concat("read tar: ", what)};
}

// Offsets of the header of POSIX ustar, which GNU and v7 share up to the magic.
std::string_view field(std::string_view header, std::size_t offset, std::size_t length) {
  return header.substr(offset, length);
}
bool is_posix(std::string_view header) {
  return field(header, 257, 6) == std::string_view("ustar\0", 6);
}
bool is_gnu(std::string_view header) {
  return field(header, 257, 8) == std::string_view("ustar  \0", 8);
}
bool is_star(std::string_view header) {
  return is_posix(header) && field(header, 508, 4) == std::string_view("tar\0", 4);
}

std::string header_name(std::string_view header) {
  const std::string_view name = tar_text(field(header, 0, 100));
  if (!is_posix(header)) return std::string(name);
  const std::string_view prefix = tar_text(field(header, 345, is_star(header) ? 131 : 155));
  return prefix.empty() ? std::string(name) : concat(prefix, '/', name);
}

Result<std::uint32_t> id_number(std::int64_t value, std::string_view what) {
  if (value < 0 || value >= std::numeric_limits<std::uint32_t>::max()) {
    return fail(broken(concat(what, " ", value, " does not fit in 32 bits")));
  }
  return static_cast<std::uint32_t>(value);
}

}  // namespace

struct TarReader::Extensions {
  std::optional<std::string> name;
  std::optional<std::string> link_target;
  std::optional<std::uint64_t> size;
  std::optional<std::uint64_t> uid;
  std::optional<std::uint64_t> gid;
  std::optional<FileTime> modified;
  std::optional<FileTime> accessed;
  std::vector<Xattr> xattrs;
  std::size_t xattr_bytes = 0;

  std::optional<std::string> sparse_name;
  std::optional<std::uint64_t> sparse_size;
  bool is_sparse = false;
  bool map_is_in_content = false;
  std::vector<Region> regions;
  std::optional<std::uint64_t> next_offset;

  Result<void> add(const PaxRecord& record) {
    const auto& [key, value] = record;
    if (value.empty() && !key.starts_with("SCHILY.xattr.")) return {};
    if (key == "path") return set_text(name, value);
    if (key == "linkpath") return set_text(link_target, value);
    if (key == "size") return set_number(size, value, key);
    if (key == "uid") return set_number(uid, value, key);
    if (key == "gid") return set_number(gid, value, key);
    if (key == "mtime") return set_time(modified, value, key);
    if (key == "atime") return set_time(accessed, value, key);
    if (key.starts_with("SCHILY.xattr.")) return add_xattr(key.substr(13), value);
    if (key.starts_with("GNU.sparse.")) return add_sparse(key.substr(11), value);
    return {};
  }

  // The name of a link target or file cannot hold a NUL: what follows it would be lost silently.
  static Result<void> set_text(std::optional<std::string>& out, std::string_view value) {
    if (value.size() > max_name)
      return fail(over_limit(concat("a name is longer than ", max_name, " bytes")));
    if (value.find('\0') != value.npos) return fail(broken("a name contains a zero byte"));
    out = std::string(value);
    return {};
  }

 private:
  static Result<void> set_number(std::optional<std::uint64_t>& out, std::string_view value,
                                 std::string_view what) {
    out = BOXLITE_TRY(decimal(value, what));
    return {};
  }
  static Result<void> set_time(std::optional<FileTime>& out, std::string_view value, std::string_view what) {
    out = BOXLITE_TRY(pax_time(value, what));
    return {};
  }
  Result<void> add_xattr(std::string_view key, std::string_view value) {
    xattr_bytes += key.size() + value.size();
    if (key.empty() || key.size() > 255 || key.find('\0') != key.npos) {
      return fail(broken("an extended attribute has no valid name"));
    }
    if (xattr_bytes > max_xattr_bytes) {
      return fail(
          over_limit(concat("a file has more than ", max_xattr_bytes, " bytes of extended attributes")));
    }
    std::erase_if(xattrs, [&](const Xattr& known) { return known.name == key; });
    xattrs.push_back({std::string(key), std::string(value)});
    return {};
  }
  Result<void> add_region(std::uint64_t offset, std::uint64_t length) {
    if (regions.size() >= max_sparse_regions) return fail(over_limit("a sparse file has too many regions"));
    regions.push_back({offset, length});
    return {};
  }
  Result<void> add_sparse(std::string_view key, std::string_view value);
};

// Formats 0.0 (pairs of records), 0.1 (one record with all numbers) and 1.0 (the map leads the content).
Result<void> TarReader::Extensions::add_sparse(std::string_view key, std::string_view value) {
  is_sparse = true;
  if (key == "name") return set_text(sparse_name, value);
  if (key == "size" || key == "realsize") return set_number(sparse_size, value, key);
  if (key == "major") map_is_in_content = value == "1";
  if (key == "offset") return set_number(next_offset, value, key);
  if (key == "numbytes" && next_offset) {
    const std::uint64_t length = BOXLITE_TRY(decimal(value, key));
    return add_region(*std::exchange(next_offset, std::nullopt), length);
  }
  if (key == "map") {
    std::optional<std::uint64_t> offset;
    for (std::string_view rest = value; !rest.empty();) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      const std::uint64_t number = BOXLITE_TRY(decimal(rest.substr(0, comma), "sparse map"));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
      if (!offset) {
        offset = number;
      } else {
        BOXLITE_TRY(add_region(*std::exchange(offset, std::nullopt), number));
      }
    }
    if (offset) return fail(broken("a sparse map has an odd count of numbers"));
  }
  return {};
}

Result<bool> TarReader::refill() {
  if (piece_.empty() && !at_end_) {
    piece_ = BOXLITE_TRY(stream_.next());
    at_end_ = piece_.empty();
  }
  return !piece_.empty();
}

Result<std::string_view> TarReader::take_some(std::uint64_t at_most) {
  if (!BOXLITE_TRY(refill())) return fail(broken("the archive ends inside a file"));
  const auto taken =
      piece_.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(at_most, piece_.size())));
  piece_.remove_prefix(taken.size());
  return taken;
}

Result<std::string> TarReader::take_all(std::uint64_t length) {
  std::string out;
  while (out.size() < length) out += BOXLITE_TRY(take_some(length - out.size()));
  return out;
}

Result<void> TarReader::skip(std::uint64_t length) {
  while (length > 0) length -= BOXLITE_TRY(take_some(length)).size();
  return {};
}

// False at the end: a block of zeros, or no more bytes where a header would start.
Result<bool> TarReader::read_header() {
  if (!BOXLITE_TRY(refill())) return false;
  header_ = BOXLITE_TRY(take_all(tar_block));
  if (std::ranges::all_of(header_, [](char byte) { return byte == '\0'; })) return false;
  if (!tar_checksum_matches(header_)) {
    return fail(broken("a header's checksum is wrong; this is not a tar archive, or it is damaged"));
  }
  return true;
}

Result<std::string> TarReader::read_extension(std::uint64_t size, std::string_view what) {
  if (size > max_extension)
    return fail(over_limit(concat(what, " is longer than ", max_extension, " bytes")));
  std::string content = BOXLITE_TRY(take_all(size));
  BOXLITE_TRY(skip((tar_block - size % tar_block) % tar_block));
  return content;
}

Result<std::optional<TarEntry>> TarReader::next() {
  while (BOXLITE_TRY(read_content())) {
  }
  BOXLITE_TRY(skip(std::exchange(padding_, 0)));
  Extensions extensions;
  while (BOXLITE_TRY(read_header())) {
    const char type = header_[156];
    if (type != 'x' && type != 'g' && type != 'L' && type != 'K')
      return BOXLITE_TRY(finish_entry(extensions));
    const std::uint64_t size = BOXLITE_TRY(tar_size(field(header_, 124, 12), "size"));
    const std::string content = BOXLITE_TRY(read_extension(size, "an extended header"));
    if (type == 'x') {
      for (const auto& record : BOXLITE_TRY(pax_records(content))) BOXLITE_TRY(extensions.add(record));
    } else if (type == 'L') {
      BOXLITE_TRY(Extensions::set_text(extensions.name, tar_text(content)));
    } else if (type == 'K') {
      BOXLITE_TRY(Extensions::set_text(extensions.link_target, tar_text(content)));
    }
  }
  return std::nullopt;
}

Result<TarEntry> TarReader::finish_entry(Extensions& extensions) {
  TarEntry entry;
  const std::string header = header_;
  entry.name =
      extensions.sparse_name ? *extensions.sparse_name : extensions.name.value_or(header_name(header));
  entry.link_target = extensions.link_target.value_or(std::string(tar_text(field(header, 157, 100))));
  const char type = header[156];
  switch (type) {
    case '\0':
    case '0':
    case '7':
    case 'S': entry.kind = EntryKind::file; break;
    case '1': entry.kind = EntryKind::hard_link; break;
    case '2': entry.kind = EntryKind::symlink; break;
    case '3': entry.kind = EntryKind::char_device; break;
    case '4': entry.kind = EntryKind::block_device; break;
    case '5': entry.kind = EntryKind::directory; break;
    case '6': entry.kind = EntryKind::fifo; break;
    default:
      return fail(ErrorCode::unsupported,
                  concat("read tar: entry ", in_quotes(entry.name), " has the unknown type ",
                         in_quotes(std::string_view(&type, 1))));
  }
  if (type == '\0' && entry.name.ends_with('/')) entry.kind = EntryKind::directory;

  entry.mode = static_cast<std::uint32_t>(BOXLITE_TRY(tar_number(field(header, 100, 8), "mode"))) & 07777;
  const std::int64_t header_uid = BOXLITE_TRY(tar_number(field(header, 108, 8), "uid"));
  const std::int64_t header_gid = BOXLITE_TRY(tar_number(field(header, 116, 8), "gid"));
  entry.uid =
      BOXLITE_TRY(id_number(extensions.uid ? static_cast<std::int64_t>(*extensions.uid) : header_uid, "uid"));
  entry.gid =
      BOXLITE_TRY(id_number(extensions.gid ? static_cast<std::int64_t>(*extensions.gid) : header_gid, "gid"));
  entry.modified.seconds = BOXLITE_TRY(tar_number(field(header, 136, 12), "mtime"));
  if (extensions.modified) entry.modified = *extensions.modified;
  entry.accessed = entry.modified;
  if (is_gnu(header) && header[345] != '\0') {
    entry.accessed = {BOXLITE_TRY(tar_number(field(header, 345, 12), "atime")), 0};
  }
  if (extensions.accessed) entry.accessed = *extensions.accessed;
  if (entry.kind == EntryKind::char_device || entry.kind == EntryKind::block_device) {
    const std::int64_t device_major = BOXLITE_TRY(tar_number(field(header, 329, 8), "device major"));
    const std::int64_t device_minor = BOXLITE_TRY(tar_number(field(header, 337, 8), "device minor"));
    entry.device_major = BOXLITE_TRY(id_number(device_major, "device major"));
    entry.device_minor = BOXLITE_TRY(id_number(device_minor, "device minor"));
  }
  entry.xattrs = std::move(extensions.xattrs);

  const std::uint64_t header_size = BOXLITE_TRY(tar_size(field(header, 124, 12), "size"));
  std::uint64_t stored = entry.kind == EntryKind::file ? extensions.size.value_or(header_size) : 0;
  if (entry.kind == EntryKind::file && type == 'S') {
    extensions.is_sparse = true;
    extensions.sparse_size = BOXLITE_TRY(tar_size(field(header, 483, 12), "real size"));
    BOXLITE_TRY(read_extended_sparse(extensions));
  }
  padding_ = (tar_block - stored % tar_block) % tar_block;
  if (extensions.is_sparse && extensions.map_is_in_content) BOXLITE_TRY(read_sparse_1_0(extensions, stored));
  BOXLITE_TRY(place_content(extensions, entry, stored));
  return entry;
}

// The old GNU format: 4 regions in the header, then blocks of 21 as long as each says that another follows.
Result<void> TarReader::read_extended_sparse(Extensions& extensions) {
  std::string block = header_;
  std::size_t offset = 386;
  std::size_t count = 4;
  std::size_t flag = 482;
  while (true) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view pair = field(block, offset + i * 24, 24);
      if (pair[0] == '\0' && pair[12] == '\0') break;
      const std::uint64_t start = BOXLITE_TRY(tar_size(pair.substr(0, 12), "sparse offset"));
      const std::uint64_t length = BOXLITE_TRY(tar_size(pair.substr(12, 12), "sparse length"));
      extensions.regions.push_back({start, length});
    }
    if (block[flag] == '\0') return {};
    if (extensions.regions.size() > max_sparse_regions) {
      return fail(over_limit("a sparse file has too many regions"));
    }
    block = BOXLITE_TRY(take_all(tar_block));
    offset = 0;
    count = 21;
    flag = 504;
  }
}

// The map is text at the start of the content: a count, then offset and length of each region, one a line,
// padded to a whole block.
Result<void> TarReader::read_sparse_1_0(Extensions& extensions, std::uint64_t& stored) {
  std::string text;
  std::size_t position = 0;
  auto next_number = [&]() -> Result<std::uint64_t> {
    while (text.find('\n', position) == text.npos) {
      if (text.size() - position > 32 || stored < tar_block) return fail(broken("a sparse map is not valid"));
      text.erase(0, position);
      position = 0;
      text += BOXLITE_TRY(take_all(tar_block));
      stored -= tar_block;
    }
    const std::size_t end = text.find('\n', position);
    const std::size_t start = std::exchange(position, end + 1);
    return decimal(std::string_view(text).substr(start, end - start), "sparse map");
  };
  const std::uint64_t count = BOXLITE_TRY(next_number());
  if (count > max_sparse_regions) return fail(over_limit("a sparse file has too many regions"));
  extensions.regions.clear();
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t offset = BOXLITE_TRY(next_number());
    const std::uint64_t length = BOXLITE_TRY(next_number());
    extensions.regions.push_back({offset, length});
  }
  return {};
}

Result<void> TarReader::place_content(const Extensions& extensions, TarEntry& entry, std::uint64_t stored) {
  regions_.clear();
  region_ = 0;
  stored_left_ = stored;
  entry.size = stored;
  if (!extensions.is_sparse) {
    if (stored > 0) regions_.push_back({0, stored});
    return {};
  }
  entry.size = extensions.sparse_size.value_or(stored);
  std::uint64_t end = 0;
  std::uint64_t sum = 0;
  for (const Region& region : extensions.regions) {
    if (region.offset < end || region.length > entry.size || region.offset > entry.size - region.length ||
        region.length > stored - sum) {
      return fail(broken(concat("the sparse map of ", in_quotes(entry.name), " is not valid")));
    }
    end = region.offset + region.length;
    sum += region.length;
    if (region.length > 0) regions_.push_back(region);
  }
  if (sum != stored)
    return fail(broken(concat("the sparse map of ", in_quotes(entry.name), " is not valid")));
  return {};
}

Result<std::optional<ContentPiece>> TarReader::read_content() {
  if (stored_left_ == 0) return std::nullopt;
  Region& region = regions_[region_];
  const std::string_view bytes = BOXLITE_TRY(take_some(region.length));
  const ContentPiece piece{region.offset, bytes};
  region.offset += bytes.size();
  region.length -= bytes.size();
  stored_left_ -= bytes.size();
  if (region.length == 0) ++region_;
  return piece;
}

}  // namespace boxlite::tar
