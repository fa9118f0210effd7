// SPDX-License-Identifier: Apache-2.0
#include "random_layers.h"

#include <algorithm>
#include <map>
#include <random>

#include "base/concat.h"
#include "tar/test_tar.h"
#include "umoci_peer.h"

namespace boxlite::tests {
namespace {

using tar::testing::TestEntry;
using tar::testing::TestTar;

constexpr std::size_t max_path = 3000;  // umoci unpacks below a directory of ours, with PATH_MAX in all
// What ext4 holds for one file, and the host's too: a block, an inode's rest.
constexpr std::size_t block_room = 4096 - 32 - 4;
constexpr std::size_t inode_room = 96 - 4 - 4;

// What has been written so far, as far as the next entry depends on it.
struct Known {
  char type = '5';
  unsigned layer = 0;          // the last that wrote it or below it
  bool takes_children = true;  // what umoci makes itself would inherit a default ACL, or the set-group-id bit
};

class Writer {
 public:
  Writer(std::uint64_t seed, const std::string& below) : random_(seed), below_(below) { known_[below_] = {}; }

  std::vector<std::string> layers() {
    const std::size_t count = one_in(4) ? 2 + below_number(19) : 1 + below_number(3);
    std::vector<std::string> tars;
    for (layer_ = 1; layer_ <= count; ++layer_) {
      tar_ = TestTar();
      if (layer_ == 1) tar_.directory("./");
      if (layer_ == 1 && !below_.empty()) tar_.directory(below_);
      const std::size_t steps = layer_ == 1 ? 10 + below_number(60) : below_number(25);
      for (std::size_t i = 0; i < steps; ++i) step();
      tars.push_back(tar_.finish());
    }
    return tars;
  }

 private:
  // --- chance

  std::uint64_t below_number(std::uint64_t limit) { return random_() % limit; }
  bool one_in(std::uint64_t chances) { return below_number(chances) == 0; }
  template <typename Value>
  Value one_of(std::initializer_list<Value> values) {
    return *(values.begin() + below_number(values.size()));
  }

  // --- steps

  void step() {
    switch (below_number(24)) {
      case 0: return crowd();
      case 1: return deepen();
      case 2: return white_out();
      case 3: return opaque();
      case 4:
      case 5: return replace();
      case 6:
      case 7:
      case 8: return hard_link();
      default: return add(new_path());
    }
  }

  void add(const std::string& path) {
    if (path.empty()) return;
    switch (below_number(12)) {
      case 0:
      case 1:
      case 2: return directory(path);
      case 3:
      case 4: return symlink(path);
      case 5: return special(path);
      case 6: return sparse(path);
      default: return file(path);
    }
  }

  void directory(const std::string& path) {
    TestEntry entry{.name = path, .type = '5', .mode = one_of({0755u, 0700u, 01777u, 02775u, 0u})};
    const bool has_default_acl = add_attributes(entry);
    put(entry);
    known_[path].takes_children = !has_default_acl && (entry.mode & 02000) == 0;
  }

  void file(const std::string& path) {
    TestEntry entry{
        .name = path, .content = content(), .mode = one_of({0644u, 0600u, 0755u, 04755u, 06711u, 0u})};
    add_attributes(entry);
    put(entry);
  }

  void symlink(const std::string& path) {
    const auto length = one_of<std::size_t>({1, 7, 59, 60, 61, 100, 101, 255, 1000, 4095});
    std::string target(length, '\0');
    for (char& byte : target) byte = static_cast<char>(1 + below_number(255));
    TestEntry entry{.name = path, .type = '2', .link_target = target, .mode = one_of({0777u, 0600u, 0755u})};
    if (one_in(4)) add_attribute(entry, "trusted.link", below_number(120));
    put(entry);
  }

  void special(const std::string& path) {
    TestEntry entry{.name = path, .type = one_of({'3', '4', '6'}), .mode = one_of({0600u, 0666u, 0660u})};
    if (entry.type != '6') {
      entry.device_major = one_of({1u, 8u, 255u, 256u, 259u, 4095u});
      entry.device_minor = one_of({0u, 3u, 255u, 256u, 70'000u, 1'048'575u});
    }
    if (one_in(4)) add_attribute(entry, "trusted.device", below_number(200));
    put(entry);
  }

  // In the format of GNU tar: a map of the pieces before them.
  void sparse(const std::string& path) {
    const std::uint64_t pieces = one_in(4) ? 5 + below_number(400) : 1 + below_number(8);
    std::string map = concat(pieces, "\n");
    std::string stored;
    std::uint64_t at = 0;
    for (std::uint64_t i = 0; i < pieces; ++i) {
      at += one_of<std::uint64_t>({4096, 8192, 5000, 1, 65'536});
      const std::uint64_t size = one_of<std::uint64_t>({1, 100, 4096, 4097});
      map += concat(at, "\n", size, "\n");
      stored += std::string(size, static_cast<char>('a' + i % 26));
      at += size;
    }
    const std::uint64_t whole = at + one_of<std::uint64_t>({0, 1, 4096, 1'000'000});
    map.resize((map.size() + 511) / 512 * 512);
    TestEntry entry{.name = "sparse", .content = map + stored};
    entry.pax = {{"GNU.sparse.major", "1"},
                 {"GNU.sparse.minor", "0"},
                 {"GNU.sparse.name", path},
                 {"GNU.sparse.realsize", concat(whole)}};
    add_owner(entry);
    write(path, entry);
  }

  // Hundreds of names in one directory, so that its tree is hashed, or of directories.
  void crowd() {
    const std::string directory_path = new_path();
    if (directory_path.empty() || directory_path.size() > 500) return;
    directory(directory_path);
    if (!known_[directory_path].takes_children) return;
    const std::uint64_t count = one_in(3) ? 100 + below_number(400) : 20 + below_number(60);
    const bool is_of_directories = one_in(3);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string path = concat(directory_path, "/", i, std::string(below_number(60), 'c'));
      TestEntry entry{.name = path, .type = is_of_directories ? '5' : '0', .mode = 0755};
      if (one_in(10)) add_attribute(entry, "user.crowd", below_number(300));
      put(entry);
    }
  }

  // Parents that no entry speaks of.
  void deepen() {
    std::string path = new_path();
    if (path.empty()) return;
    const std::uint64_t levels = 2 + below_number(30);
    for (std::uint64_t i = 0; i < levels && path.size() < max_path - 300; ++i) path += "/" + name();
    file(path);
  }

  void white_out() {
    const std::string path = any_path();
    if (path.empty()) return;
    tar_.whiteout(concat(parent_of(path), ".wh.", path.substr(parent_of(path).size())));
    forget_lower(path, true);
  }

  void opaque() {
    const std::string path = any_path();
    if (path.empty() || known_[path].type != '5') return;
    tar_.whiteout(path + "/.wh..wh..opq");
    forget_lower(path, false);
  }

  void replace() {
    const std::string path = any_path();
    if (!path.empty()) add(path);
  }

  void hard_link() {
    const std::string target = any_path();
    const std::string path = one_in(4) ? any_path() : new_path();
    if (target.empty() || path.empty() || known_[target].type == '5' || is_within(target, path)) return;
    const char type = known_[target].type;
    tar_.hard_link(path, target);
    remember(path, type);
  }

  // --- entries

  void put(TestEntry entry) {
    add_owner(entry);
    write(entry.name, entry);
  }

  void write(const std::string& path, const TestEntry& entry) {
    tar_.add(entry);
    remember(path, entry.type);
  }

  void add_owner(TestEntry& entry) {
    entry.uid = one_of({0u, 0u, 1u, 1000u, 65'534u, 70'000u, 4'000'000'000u});
    entry.gid = one_of({0u, 0u, 7u, 1000u, 65'535u, 4'000'000'000u});
    if (one_in(3)) {
      const auto* const when = one_of({"1700000000.123456789", "-5.5", "0", "2147483648.25", "9000000000",
                                       "-2147483648", "4294967295.999999999"});
      entry.pax.emplace_back("mtime", when);
    }
  }

  void add_attribute(TestEntry& entry, const std::string& attribute, std::size_t size) {
    std::string value(std::max<std::size_t>(size, 1), '\0');
    for (char& byte : value) byte = static_cast<char>(below_number(256));
    entry.pax.emplace_back("SCHILY.xattr." + attribute, value);
  }

  // Of a file or directory. Whether it got a default ACL.
  bool add_attributes(TestEntry& entry) {
    if (one_in(2)) return false;
    if (one_in(8)) {
      const std::string attribute = "user." + std::string(1 + below_number(20), 'n');
      add_attribute(entry, attribute, block_room - 16 - (attribute.size() - 5 + 3) / 4 * 4);
      if (one_in(2)) add_attribute(entry, "trusted.t", inode_room - 20);
      return false;
    }
    const std::uint64_t count = below_number(6);
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto* const space = one_of({"user.", "trusted.", "security."});
      const std::string tail = one_in(3) ? "\xff\xc3\xa4 " : "plain";
      add_attribute(entry, concat(space, i, tail), one_of<std::size_t>({1, 3, 4, 5, 30, 100, 400}));
    }
    if (entry.type == '0' && one_in(3)) {
      const auto permitted = static_cast<std::uint32_t>(below_number(1u << 30));
      entry.pax.emplace_back("SCHILY.xattr.security.capability", file_capability(permitted));
    }
    if (one_in(3)) add_access_acl(entry);
    if (entry.type != '5' || !one_in(4)) return false;
    entry.pax.emplace_back("SCHILY.xattr.system.posix_acl_default",
                           acl(static_cast<unsigned>(below_number(01000))));
    return true;
  }

  // The group's bits of the mode are the mask, or setting it would change the mode.
  void add_access_acl(TestEntry& entry) {
    entry.pax.emplace_back("SCHILY.xattr.system.posix_acl_access", acl(entry.mode));
  }

  std::string acl(unsigned mode) {
    std::string out = little_endian({2});
    const auto add_entry = [&](unsigned tag, unsigned permissions, std::uint32_t id = UINT32_MAX) {
      out += little_endian({tag | (permissions & 7) << 16, id});
    };
    const auto add_named = [&](unsigned tag) {
      const std::uint64_t count = 1 + below_number(4);
      for (std::uint64_t i = 0; i < count; ++i)
        add_entry(tag, static_cast<unsigned>(below_number(8)), static_cast<std::uint32_t>(1000 * i + 5));
    };
    add_entry(1, mode >> 6);
    add_named(2);
    add_entry(4, static_cast<unsigned>(below_number(8)));
    if (one_in(2)) add_named(8);
    add_entry(16, mode >> 3);
    add_entry(32, mode);
    return out;
  }

  std::string content() {
    const auto size =
        one_of<std::size_t>({0, 1, 100, 4095, 4096, 4097, 20'000, 70'001, one_in(20) ? 1'500'000u : 9u});
    if (one_in(8)) return std::string(size, '\0');
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; i += 1 + below_number(64))
      bytes[i] = static_cast<char>(below_number(256));
    if (size > 60'000 && one_in(2)) bytes.replace(8192, 32'768, 32'768, '\0');
    return bytes;
  }

  // --- names and what is known of them

  std::string name() {
    std::string out;
    switch (below_number(12)) {
      case 0: out = std::string(255, 'l'); break;
      case 1: out = "not utf-8 \xff\xfe"; break;
      case 2: out = "new\nline"; break;
      case 3: out = "\xc3\xa4\xe2\x82\xac"; break;
      case 4: out = "-dash .. dots."; break;
      case 5: out = std::string(60 + below_number(190), 'm'); break;
      default: break;
    }
    if (out.size() < 240) out += concat(below_number(1'000'000));
    return out;
  }

  static std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }
  static bool is_within(const std::string& path, const std::string& other) {
    return path == other || path.starts_with(other + "/");
  }

  std::string new_path() {
    std::vector<const std::string*> parents;
    for (const auto& [path, known] : known_) {
      if (known.type == '5' && known.takes_children && path.size() + 256 < max_path) parents.push_back(&path);
    }
    if (parents.empty()) return {};
    const std::string& parent = *parents[below_number(parents.size())];
    std::string path = parent;
    if (!path.empty() && !path.ends_with('/')) path += '/';
    path += name();
    return known_.contains(path) ? std::string() : path;
  }

  // Anything but the root of it all.
  std::string any_path() {
    if (known_.size() < 2) return {};
    const auto found =
        std::next(known_.begin(), static_cast<std::ptrdiff_t>(1 + below_number(known_.size() - 1)));
    return found->first;
  }

  void remember(const std::string& path, char type) {
    if (type != '5' || (known_.contains(path) && known_[path].type != '5')) {
      std::erase_if(known_, [&](const auto& other) { return other.first.starts_with(path + "/"); });
    }
    Known& now = known_[path];
    now = {.type = type, .layer = layer_, .takes_children = true};
    touch_parents(path);
  }

  // Directories on the way to an entry count as its layer's; those that are missing get made.
  void touch_parents(const std::string& path) {
    for (std::size_t slash = path.find('/', below_.size()); slash != path.npos;
         slash = path.find('/', slash + 1))
      known_[path.substr(0, slash)].layer = layer_;
  }

  // What a whiteout of this layer takes away: what lower layers brought.
  void forget_lower(const std::string& path, bool itself) {
    std::erase_if(known_, [&](const auto& other) {
      const auto& [name, known] = other;
      if (known.layer == layer_) return false;
      return name.starts_with(path + "/") || (itself && name == path);
    });
  }

  std::mt19937_64 random_;
  const std::string below_;
  unsigned layer_ = 1;
  TestTar tar_;
  std::map<std::string, Known> known_;  // by path; the first is the directory that holds all
};

}  // namespace

std::vector<std::string> random_layers(std::uint64_t seed, const std::string& below) {
  return Writer(seed, below).layers();
}

}  // namespace boxlite::tests
