// SPDX-License-Identifier: Apache-2.0
// Random operations on a served folder and on a plain directory of the same file system, which is the oracle:
// every result, and at the end every file, has to be the same.
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <random>
#include <set>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fileserver/test_folder.h"

namespace boxlite::fileserver {
namespace {

namespace fs = std::filesystem;

// One operation, as it came out: an errno, or what was seen.
std::string outcome(long result, const std::string& seen = {}) {
  return result < 0 ? concat("errno ", errno) : concat(result, " ", seen);
}

class Player {
 public:
  explicit Player(fs::path root) : root_(std::move(root)) {}
  ~Player() {
    for (const auto& [slot, fd] : open_) ::close(fd);
  }

  std::string play(unsigned kind, std::mt19937_64& random) {
    const auto one = path(random);
    const auto other = path(random);
    const auto number = random();
    switch (kind) {
      case 0: return open(one, number);
      case 1: return write(number);
      case 2: return read(number);
      case 3: return outcome(::unlink(one.c_str()));
      case 4: return outcome(::mkdir(one.c_str(), number & 0777));
      case 5: return outcome(::rmdir(one.c_str()));
      case 6: return outcome(::rename(one.c_str(), other.c_str()));
      case 7: return outcome(::symlink(concat("t", number % 5).c_str(), one.c_str()));
      case 8: return outcome(::link(one.c_str(), other.c_str()));
      case 9: return stat_of(one);
      case 10: return outcome(::chmod(one.c_str(), static_cast<mode_t>(number & 07777)));
      case 11:
        return outcome(
            ::lchown(one.c_str(), static_cast<uid_t>(number % 3), static_cast<gid_t>(number / 3 % 3)));
      case 12: return times(one, number);
      case 13: return outcome(::truncate(one.c_str(), static_cast<off_t>(number % 20'000)));
      case 14: return close(number);
      case 15: return set_attribute(one, number);
      case 16: return attributes(one);
      case 17: return list(one);
      case 18: return link_target(one);
      case 19: return allocate(number);
      case 20: return seek(number);
      case 21:
        return outcome(::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(),
                                   number % 2 == 0 ? RENAME_EXCHANGE : RENAME_NOREPLACE));
      case 22: return outcome(::mkfifo(one.c_str(), number & 0777));
      case 23: return append(one, number);
      case 24: return size_of_open(number);
      default: return outcome(::truncate(one.c_str(), 0));
    }
  }
  static constexpr unsigned kinds = 26;

  // Which of its open files have no name any more.
  std::set<std::uint64_t> removed() const {
    std::set<std::uint64_t> slots;
    for (const auto& [slot, fd] : open_) {
      struct stat status = {};
      if (::fstat(fd, &status) == 0 && status.st_nlink == 0) slots.insert(slot);
    }
    return slots;
  }
  void close_all(const std::set<std::uint64_t>& slots) {
    for (const auto slot : slots) close(slot);
  }

 private:
  fs::path path(std::mt19937_64& random) const {
    static constexpr std::array names{"a", "b", "c", "d", "a name", "\xff\xfe", "e"};
    auto path = root_;
    const auto depth = 1 + random() % 3;
    for (std::size_t i = 0; i < depth; ++i) path /= names[random() % names.size()];
    return path;
  }
  int slot(std::uint64_t number) const {
    const auto found = open_.find(number % 4);
    return found == open_.end() ? -1 : found->second;
  }
  std::string open(const fs::path& path, std::uint64_t number) {
    constexpr std::array flags{O_RDWR,
                               O_RDWR | O_CREAT,
                               O_RDWR | O_CREAT | O_EXCL,
                               O_RDWR | O_CREAT | O_TRUNC,
                               O_RDONLY,
                               O_WRONLY | O_APPEND | O_CREAT,
                               O_RDONLY | O_DIRECTORY,
                               O_RDWR | O_TRUNC,
                               O_RDWR | O_NOFOLLOW};
    const auto at = number % 4;
    close(at);
    const int fd =
        ::open(path.c_str(), flags[number / 4 % flags.size()] | O_NONBLOCK | O_CLOEXEC, number / 64 % 512);
    const auto result = outcome(fd < 0 ? -1 : 0);
    struct stat status = {};
    if (fd >= 0 && ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode))
      ::close(fd);  // none of ours
    else if (fd >= 0)
      open_[at] = fd;
    return result;
  }
  std::string close(std::uint64_t number) {
    const auto found = open_.find(number % 4);
    if (found == open_.end()) return "none";
    ::close(found->second);
    open_.erase(found);
    return "closed";
  }
  std::string write(std::uint64_t number) {
    const std::string text(number / 4 % 9000, static_cast<char>('a' + number % 26));
    return outcome(
        ::pwrite(slot(number), text.data(), text.size(), static_cast<off_t>(number / 4096 % 30'000)));
  }
  std::string append(const fs::path& path, std::uint64_t number) {
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK));
    if (!fd.is_open()) return outcome(-1);
    const std::string text(number % 5000, static_cast<char>('A' + number % 26));
    return outcome(::write(fd.get(), text.data(), text.size()));
  }
  std::string read(std::uint64_t number) {
    std::string text(20'000, 0);
    const auto got =
        ::pread(slot(number), text.data(), text.size(), static_cast<off_t>(number / 4096 % 30'000));
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return outcome(got, text);
  }
  std::string size_of_open(std::uint64_t number) {
    struct stat status = {};
    const int result = ::fstat(slot(number), &status);
    // What a removed directory's size is, each file system says as it likes.
    return outcome(result, S_ISREG(status.st_mode) ? concat(status.st_size, " ", status.st_nlink) : "");
  }
  std::string allocate(std::uint64_t number) {
    constexpr std::array modes{0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE};
    return outcome(::fallocate(slot(number), modes[number / 4 % 3],
                               static_cast<off_t>(number / 4096 % 20'000),
                               static_cast<off_t>(1 + number / 8192 % 20'000)));
  }
  std::string seek(std::uint64_t number) {
    struct stat status = {};
    if (::fstat(slot(number), &status) != 0 || !S_ISREG(status.st_mode)) return "no file";
    return outcome(::lseek(slot(number), static_cast<off_t>(number / 4096 % 20'000),
                           number % 8 < 4 ? SEEK_DATA : SEEK_HOLE) < 0
                       ? -1
                       : 0);
  }
  std::string times(const fs::path& path, std::uint64_t number) {
    const std::array<timespec, 2> times{
        timespec{static_cast<time_t>(number % 2'000'000'000), 123'456'789},
        timespec{static_cast<time_t>(number / 7 % 2'000'000'000), 987'654'321}};
    return outcome(::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW));
  }
  std::string set_attribute(const fs::path& path, std::uint64_t number) {
    const std::string value(number % 300, 'v');
    const auto name = concat("user.n", number % 3);
    if (number % 5 == 0) return outcome(::lremovexattr(path.c_str(), name.c_str()));
    return outcome(::lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(),
                               number % 7 == 0 ? XATTR_CREATE : 0));
  }
  std::string attributes(const fs::path& path) {
    std::string names(4096, 0);
    const auto size = ::llistxattr(path.c_str(), names.data(), names.size());
    if (size < 0) return outcome(-1);
    std::set<std::string> all;
    for (const char* name = names.data(); name < names.data() + size; name += std::strlen(name) + 1) {
      std::array<char, 512> value{};
      all.insert(concat(name, "=", ::lgetxattr(path.c_str(), name, value.data(), value.size())));
    }
    return join(all, ",");
  }
  std::string list(const fs::path& path) {
    std::error_code error;
    std::set<std::string> names;
    fs::directory_iterator entries(path, error);
    if (error) return concat("error ", error.value());
    for (const auto& entry : entries) names.insert(entry.path().filename().native());
    return join(names, ",");
  }
  std::string link_target(const fs::path& path) {
    std::string target(4096, 0);
    const auto size = ::readlink(path.c_str(), target.data(), target.size());
    target.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return outcome(size, target);
  }

 public:
  static std::string stat_of(const fs::path& path) {
    struct stat status = {};
    if (::lstat(path.c_str(), &status) != 0) return outcome(-1);
    // Of special files they are not kept, and mean nothing.
    if (S_ISFIFO(status.st_mode)) status.st_mode &= ~06000u;
    auto text = concat(status.st_mode);
    if (S_ISDIR(status.st_mode) || S_ISREG(status.st_mode))
      text += concat(" ", status.st_uid, ":", status.st_gid);
    if (!S_ISDIR(status.st_mode)) text += concat(" ", status.st_size, " ", status.st_nlink);
    return text;
  }

 private:
  fs::path root_;
  std::map<std::uint64_t, int> open_;
};

// What a tree is, by what its files say of themselves.
std::map<std::string, std::string> tree_of(const fs::path& root) {
  std::map<std::string, std::string> tree;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    auto text = Player::stat_of(entry.path());
    if (entry.is_regular_file() && !entry.is_symlink()) text += text_of(entry.path());
    tree[fs::relative(entry.path(), root).native()] = text;
  }
  return tree;
}

class FolderModel : public ::testing::TestWithParam<unsigned> {};

// The folder and the oracle, and what is done to both.
class Pair {
 public:
  Pair(unsigned seed, const MountedFolder& folder)
      : seed_(seed), seeds_(seed), plain_(prepared()), served_(folder.box()), box_(folder.box()) {}

  void play(int steps) {
    for (int step = 0; step < steps; ++step) {
      const auto kind = static_cast<unsigned>(seeds_() % Player::kinds);
      const auto seed = seeds_();
      std::mt19937_64 for_plain(seed);
      std::mt19937_64 for_served(seed);
      ASSERT_EQ(plain_.play(kind, for_plain), served_.play(kind, for_served))
          << "seed " << seed_ << ", step " << step << ", operation " << kind;
    }
  }
  // Without a name nobody finds them again.
  void close_removed() {
    const auto slots = plain_.removed();
    plain_.close_all(slots);
    served_.close_all(slots);
  }
  void compare() const { EXPECT_EQ(tree_of(oracle_.path() / "d"), tree_of(box_)); }

 private:
  fs::path prepared() const {
    fs::create_directory(oracle_.path() / "d");
    ::chmod((oracle_.path() / "d").c_str(), 0755);
    return oracle_.path() / "d";
  }

  unsigned seed_;
  std::mt19937_64 seeds_;
  TempDir oracle_ = *TempDir::create(fs::temp_directory_path(), "boxlite-oracle-");
  Player plain_;
  Player served_;
  fs::path box_;
};

TEST_P(FolderModel, AFolderDoesWhatADirectoryDoes) {
  if (!enter_mount_namespace()) GTEST_SKIP() << "needs root, to mount";
  ::umask(022);
  // Owners as the host has them, and owners that are kept beside.
  const MountedFolder folder({.is_volume = GetParam() % 2 == 0});
  Pair pair(GetParam(), folder);
  pair.play(1500);
  pair.compare();
}

TEST_P(FolderModel, AndGoesOnDoingItWhenAnotherServerTakesOver) {
  if (!enter_mount_namespace()) GTEST_SKIP() << "needs root, to mount";
  if (GetParam() > 6) return;  // of what is tried here, six say enough
  ::umask(022);
  const MountedFolder folder({.is_volume = GetParam() % 2 == 0}, true);
  Pair pair(GetParam() + 100, folder);
  for (int turn = 0; turn < 5 && !HasFailure(); ++turn) {
    pair.play(200);
    pair.close_removed();
    folder.suspend();
    folder.resume();
  }
  pair.play(200);
  pair.compare();
}

INSTANTIATE_TEST_SUITE_P(Seeds, FolderModel, ::testing::Range(1u, 21u));

}  // namespace
}  // namespace boxlite::fileserver
