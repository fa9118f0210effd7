// SPDX-License-Identifier: Apache-2.0
// Archives for tests, nasty ones included: what is asked for is written, sensible or not.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boxlite::tar::testing {

struct TestEntry {
  std::string name;
  char type = '0';
  std::string content = {};
  std::string link_target = {};
  unsigned mode = 0644;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int64_t mtime = 1'600'000'000;
  unsigned device_major = 0;
  unsigned device_minor = 0;
  std::vector<std::pair<std::string, std::string>> pax =
      {};  // extra records, e.g. {"SCHILY.xattr.user.k", "v"}
};

class TestTar {
 public:
  TestTar& add(const TestEntry& entry) {
    std::vector<std::pair<std::string, std::string>> pax = entry.pax;
    if (entry.name.size() > 100) pax.emplace_back("path", entry.name);
    if (entry.link_target.size() > 100) pax.emplace_back("linkpath", entry.link_target);
    if (entry.uid > 07777777) pax.emplace_back("uid", std::to_string(entry.uid));
    if (entry.gid > 07777777) pax.emplace_back("gid", std::to_string(entry.gid));
    if (!pax.empty()) add_pax(pax);
    add_header(entry, entry.content.size());
    add_content(entry.content);
    return *this;
  }
  TestTar& directory(std::string name, unsigned mode = 0755) {
    return add({.name = std::move(name), .type = '5', .mode = mode});
  }
  TestTar& file(std::string name, std::string content, unsigned mode = 0644) {
    return add({.name = std::move(name), .content = std::move(content), .mode = mode});
  }
  TestTar& symlink(std::string name, std::string target) {
    return add({.name = std::move(name), .type = '2', .link_target = std::move(target), .mode = 0777});
  }
  TestTar& hard_link(std::string name, std::string target) {
    return add({.name = std::move(name), .type = '1', .link_target = std::move(target)});
  }
  TestTar& whiteout(std::string name) { return add({.name = std::move(name)}); }

  // GNU's way of long names: an entry of type L or K before the real one.
  TestTar& gnu_long(char type, const std::string& name) {
    add_header({.name = "././@LongLink", .type = type}, name.size() + 1);
    add_content(name + '\0');
    return *this;
  }
  TestTar& raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  void add_header(const TestEntry& entry, std::uint64_t size) {
    char header[512] = {};
    std::memcpy(header, entry.name.data(), std::min<std::size_t>(entry.name.size(), 100));
    octal(header + 100, 8, entry.mode);
    octal(header + 108, 8, entry.uid & 07777777);
    octal(header + 116, 8, entry.gid & 07777777);
    octal(header + 124, 12, size);
    octal(header + 136, 12, static_cast<std::uint64_t>(entry.mtime));
    header[156] = entry.type;
    std::memcpy(header + 157, entry.link_target.data(), std::min<std::size_t>(entry.link_target.size(), 100));
    std::memcpy(header + 257, "ustar\00000", 8);
    octal(header + 329, 8, entry.device_major);
    octal(header + 337, 8, entry.device_minor);
    seal(header);
    bytes_.append(header, sizeof header);
  }
  void add_content(std::string_view content) {
    bytes_ += content;
    bytes_.append((512 - content.size() % 512) % 512, '\0');
  }
  static void octal(char* field, std::size_t size, std::uint64_t number) {
    for (std::size_t i = size - 1; i-- > 0; number >>= 3) field[i] = static_cast<char>('0' + (number & 7));
  }
  static void seal(char* header) {
    std::memset(header + 148, ' ', 8);
    unsigned sum = 0;
    for (int i = 0; i < 512; ++i) sum += static_cast<unsigned char>(header[i]);
    octal(header + 148, 7, sum);
    header[154] = '\0';
  }

  std::string finish() const { return bytes_ + std::string(1024, '\0'); }
  const std::string& bytes() const { return bytes_; }

 private:
  void add_pax(const std::vector<std::pair<std::string, std::string>>& records) {
    std::string block;
    for (const auto& [key, value] : records) {
      const std::size_t rest = key.size() + value.size() + 3;
      std::size_t length = rest + 1;
      while (std::to_string(length).size() + rest != length) length = std::to_string(length).size() + rest;
      block += std::to_string(length) + ' ' + key + '=' + value + '\n';
    }
    add_header({.name = "PaxHeaders/x", .type = 'x'}, block.size());
    add_content(block);
  }

  std::string bytes_;
};

}  // namespace boxlite::tar::testing
