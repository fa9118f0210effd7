// SPDX-License-Identifier: Apache-2.0
#include "tar/header_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string_view>

#include "base/concat.h"
#include "tar/tar_fields.h"

namespace boxlite::tar {
namespace {

constexpr std::size_t name_bytes = 100;
constexpr std::size_t prefix_bytes = 155;
constexpr std::uint64_t largest_size = 077777777777;  // 11 octal digits
constexpr std::uint32_t largest_id = 07777777;

using Block = std::array<char, tar_block>;

char type_of(EntryKind kind) {
  switch (kind) {
    case EntryKind::file: return '0';
    case EntryKind::hard_link: return '1';
    case EntryKind::symlink: return '2';
    case EntryKind::char_device: return '3';
    case EntryKind::block_device: return '4';
    case EntryKind::directory: return '5';
    case EntryKind::fifo: return '6';
  }
  return '0';
}

void put_octal(Block& block, std::size_t offset, std::size_t digits, std::uint64_t number) {
  for (std::size_t i = digits; i-- > 0; number >>= 3)
    block[offset + i] = static_cast<char>('0' + (number & 7));
}

void put_text(Block& block, std::size_t offset, std::size_t limit, std::string_view text) {
  std::memcpy(block.data() + offset, text.data(), std::min(text.size(), limit));
}

// Puts the name where ustar has room for it; false when it has none.
bool put_name(Block& block, std::string_view name) {
  if (name.size() <= name_bytes) {
    put_text(block, 0, name_bytes, name);
    return true;
  }
  // "prefix/name": the slash itself is stored nowhere.
  const auto slash = name.find('/', name.size() - name_bytes - 1);
  if (slash == name.npos || slash == 0 || slash > prefix_bytes || slash + 1 == name.size()) return false;
  put_text(block, 0, name_bytes, name.substr(slash + 1));
  put_text(block, 345, prefix_bytes, name.substr(0, slash));
  return true;
}

void seal(Block& block) {
  std::memset(block.data() + 148, ' ', 8);
  std::uint64_t sum = 0;
  for (const char byte : block) sum += static_cast<unsigned char>(byte);
  put_octal(block, 148, 6, sum);
  block[154] = '\0';
}

void append_record(std::string& records, std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (true) {
    std::array<char, 20> digits;
    const auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(), length).ptr;
    const auto count = static_cast<std::size_t>(end - digits.data());
    if (count + rest == length) {
      records.append(digits.data(), count);
      break;
    }
    length = count + rest;
  }
  records += ' ';
  records += key;
  records += '=';
  records += value;
  records += '\n';
}

std::string time_text(FileTime time) {
  // "-1.5" is half a second before -1: the fraction counts away from zero.
  const bool is_negative = time.seconds < 0;
  if (is_negative && time.nanoseconds != 0) {
    ++time.seconds;
    time.nanoseconds = 1'000'000'000 - time.nanoseconds;
  }
  auto text = concat(is_negative && time.seconds == 0 ? "-" : "", time.seconds);
  if (time.nanoseconds == 0) return text;
  std::array<char, 9> digits;
  for (std::size_t i = digits.size(); i-- > 0; time.nanoseconds /= 10)
    digits[i] = static_cast<char>('0' + time.nanoseconds % 10);
  std::string_view fraction(digits.data(), digits.size());
  fraction = fraction.substr(0, fraction.find_last_not_of('0') + 1);
  text += '.';
  text += fraction;
  return text;
}

void append_padded(std::string& out, std::string_view content) {
  out += content;
  out.append((tar_block - content.size() % tar_block) % tar_block, '\0');
}

void append_pax(std::string& out, std::string_view records) {
  Block block{};
  put_text(block, 0, name_bytes, "PaxHeaders/x");
  put_octal(block, 100, 7, 0644);
  put_octal(block, 108, 7, 0);
  put_octal(block, 116, 7, 0);
  put_octal(block, 124, 11, records.size());
  put_octal(block, 136, 11, 0);
  block[156] = 'x';
  std::memcpy(block.data() + 257, "ustar\00000", 8);
  seal(block);
  out.append(block.data(), block.size());
  append_padded(out, records);
}

// `records` are those that the caller has already.
void append_entry(std::string& out, const TarEntry& entry, std::string_view name, std::uint64_t stored,
                  std::string records) {
  Block block{};
  if (!put_name(block, name)) {
    put_text(block, 0, name_bytes, name.substr(0, name_bytes));
    append_record(records, "path", name);
  }
  put_octal(block, 100, 7, entry.mode);
  put_octal(block, 108, 7, entry.uid <= largest_id ? entry.uid : 0);
  if (entry.uid > largest_id) append_record(records, "uid", concat(entry.uid));
  put_octal(block, 116, 7, entry.gid <= largest_id ? entry.gid : 0);
  if (entry.gid > largest_id) append_record(records, "gid", concat(entry.gid));
  put_octal(block, 124, 11, stored <= largest_size ? stored : 0);
  if (stored > largest_size) append_record(records, "size", concat(stored));
  const auto& modified = entry.modified;
  const bool is_plain = modified.seconds >= 0 && static_cast<std::uint64_t>(modified.seconds) <= largest_size;
  put_octal(block, 136, 11, is_plain ? static_cast<std::uint64_t>(modified.seconds) : 0);
  if (!is_plain || modified.nanoseconds != 0) append_record(records, "mtime", time_text(modified));
  block[156] = type_of(entry.kind);
  put_text(block, 157, name_bytes, entry.link_target);
  if (entry.link_target.size() > name_bytes) append_record(records, "linkpath", entry.link_target);
  std::memcpy(block.data() + 257, "ustar\00000", 8);
  put_octal(block, 329, 7, entry.device_major);
  put_octal(block, 337, 7, entry.device_minor);
  for (const auto& xattr : entry.xattrs) append_record(records, "SCHILY.xattr." + xattr.name, xattr.value);
  seal(block);
  if (!records.empty()) append_pax(out, records);
  out.append(block.data(), block.size());
}

}  // namespace

void append_headers(std::string& out, const TarEntry& entry) {
  append_entry(out, entry, entry.name, entry.kind == EntryKind::file ? entry.size : 0, {});
}

void append_sparse_headers(std::string& out, const TarEntry& entry, std::span<const Region> regions) {
  auto map = concat(regions.size(), "\n");
  std::uint64_t stored = 0;
  for (const auto& region : regions) {
    map += concat(region.offset, "\n", region.length, "\n");
    stored += region.length;
  }
  std::string records;
  append_record(records, "GNU.sparse.major", "1");
  append_record(records, "GNU.sparse.minor", "0");
  append_record(records, "GNU.sparse.name", entry.name);
  append_record(records, "GNU.sparse.realsize", concat(entry.size));
  const auto map_bytes = (map.size() + tar_block - 1) / tar_block * tar_block;
  append_entry(out, entry, "GNUSparseFile.0/x", stored + map_bytes, std::move(records));
  append_padded(out, map);
}

}  // namespace boxlite::tar
