// SPDX-License-Identifier: Apache-2.0
// A folder that host and box change at the same time, while the box keeps its files open: a model of what was
// written, to which every read must agree, byte for byte.
#include <fstream>
#include <random>

#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/time.h"
#include "integration/box/box_fixture.h"

namespace boxlite::test {
namespace {

namespace fs = std::filesystem;

// A shell that stays, and with it what it has open.
class Shell {
 public:
  explicit Shell(Box& box) : execution_(*box.exec({.command = {"sh"}, .use_stdin = true})) {}
  ~Shell() { (void)execution_.kill(); }

  // What the line writes.
  std::string run(const std::string& line) {
    const auto script = concat("{ ", line, "; } 2>&1; printf '\\001'\n");
    EXPECT_TRUE(execution_.write_stdin(std::as_bytes(std::span(script))));
    std::string said;
    std::vector<std::byte> part(64u << 10);
    while (true) {
      const auto count = execution_.read(OutputStream::stdout_, part);
      if (!count || *count == 0) return said;
      said.append(reinterpret_cast<const char*>(part.data()), *count);
      // The last byte of a line, and of what has been written yet.
      if (!said.ends_with('\001')) continue;
      said.pop_back();
      return said;
    }
  }

 private:
  Execution execution_;
};

class SharedBytesTest : public BoxTest {
 protected:
  void SetUp() override {
    BoxTest::SetUp();
    ASSERT_TRUE(make_directories(directory() / "f", 0755));
    file_ = directory() / "f/file";
    ASSERT_TRUE(write_file_atomic(file_, bytes_, 0644));
  }

  std::size_t up_to(std::size_t most) { return std::uniform_int_distribution<std::size_t>(0, most)(random_); }
  // Around the size of a page, where caches round.
  std::string some_bytes() {
    const auto count = up_to(3) == 0 ? 4090 + up_to(12) : 1 + up_to(40);
    std::string bytes(count, ' ');
    for (auto& byte : bytes) byte = static_cast<char>('a' + up_to(25));
    return bytes;
  }
  static void put(std::string& content, std::size_t at, const std::string& bytes) {
    content.resize(std::max(content.size(), at + bytes.size()));
    content.replace(at, bytes.size(), bytes);
  }

  void host_changes() {
    const auto bytes = some_bytes();
    const auto at = up_to(bytes_.size());
    switch (up_to(3)) {
      case 0:
        std::ofstream(file_, std::ios::app) << bytes;
        bytes_ += bytes;
        break;
      case 1: {
        std::fstream(file_, std::ios::in | std::ios::out).seekp(static_cast<std::streamoff>(at)) << bytes;
        put(bytes_, at, bytes);
        break;
      }
      case 2:
        EXPECT_EQ(::truncate(file_.c_str(), static_cast<off_t>(at + 100)), 0);
        bytes_.resize(at + 100);
        break;
      default:  // as an editor saves; what is open stays what it was
        ASSERT_TRUE(write_file_atomic(file_, bytes, 0644));
        bytes_ = bytes;
        open_all();
        break;
    }
  }

  void box_changes() {
    const auto bytes = some_bytes();
    const auto at = up_to(bytes_.size());
    if (up_to(1) == 0) {
      EXPECT_EQ(shell_->run(concat("printf ", bytes, " >&4")), "");
      bytes_ += bytes;
    } else {
      EXPECT_EQ(shell_->run(concat("printf ", bytes, " >/tmp/new; dd if=/tmp/new of=/f/file bs=",
                                   bytes.size(), " seek=", at, " oflag=seek_bytes conv=notrunc 2>/dev/null")),
                "");
      put(bytes_, at, bytes);
    }
  }

  // Descriptors that the box keeps: 3 reads on, 4 appends.
  void open_all() {
    EXPECT_EQ(shell_->run("exec 3</f/file 4>>/f/file; cat <&3 >/dev/null"), "");
    read_to_ = bytes_.size();
  }

  void compare() {
    EXPECT_TRUE(read_file(file_).value() == bytes_) << "on the host";
    EXPECT_TRUE(shell_->run("cat /f/file") == bytes_) << "opened anew in the box";
    // What is open hears of a change soon.
    const auto wanted = bytes_.substr(std::min(read_to_, bytes_.size()));
    const auto deadline = Deadline::after(std::chrono::seconds(10));
    auto more = shell_->run("cat <&3");
    while (more.size() < wanted.size() && wanted.starts_with(more) && !deadline.has_passed())
      more += shell_->run("cat <&3");
    EXPECT_TRUE(more == wanted) << "read on in the box";
    read_to_ = std::max(read_to_, bytes_.size());
  }

  fs::path file_;
  std::string bytes_ = "begin\n";
  std::size_t read_to_ = 0;
  std::optional<Shell> shell_;
  std::minstd_rand random_;
};

TEST_F(SharedBytesTest, NobodyReadsOrWritesAByteThatNobodyWrote) {
  auto runtime = open();
  auto box = create(runtime, {.mounts = {{.source = (directory() / "f").native(), .target = "/f"}}});
  shell_.emplace(box);
  for (unsigned seed = 1; seed <= 4; ++seed) {
    random_.seed(seed);
    open_all();
    for (int step = 0; step < 25; ++step) {
      up_to(1) == 0 ? host_changes() : box_changes();
      compare();
      ASSERT_FALSE(HasFailure()) << "seed " << seed << ", step " << step;
    }
  }
  shell_.reset();
}

TEST_F(SharedBytesTest, TwoBoxesAppendToOneFile) {
  auto runtime = open();
  const Mount mount{.source = (directory() / "f").native(), .target = "/f"};
  auto one = create(runtime, {.mounts = {mount}});
  auto two = create(runtime, {.mounts = {mount}});
  Shell first(one);
  Shell second(two);
  first.run("exec 4>>/f/file");
  second.run("exec 4>>/f/file");
  std::string expected = bytes_;
  for (int i = 0; i < 20; ++i) {
    auto& shell = i % 2 == 0 ? first : second;
    shell.run(concat("echo ", i, " >&4"));
    expected += concat(i, "\n");
  }
  EXPECT_EQ(read_file(file_).value(), expected);
}

// The kernel knows a size that is not true any more, and would look for the rest for ever.
TEST_F(SharedBytesTest, AReadOfAFileThatBecameShorterEnds) {
  ASSERT_TRUE(write_file_atomic(file_, std::string(1000, 'x'), 0644));
  auto runtime = open();
  auto box = create(runtime, {.mounts = {{.source = (directory() / "f").native(), .target = "/f"}}});
  Shell shell(box);
  EXPECT_EQ(shell.run("exec 3</f/file"), "");
  ASSERT_EQ(::truncate(file_.c_str(), 10), 0);
  EXPECT_EQ(shell.run("dd bs=500 count=1 <&3 2>/dev/null"), "xxxxxxxxxx");
}

// What maps a file: programs and libraries, git, databases.
TEST_F(SharedBytesTest, FilesCanBeMapped) {
  auto runtime = open();
  auto box = create(runtime, {.mounts = {{.source = (directory() / "f").native(), .target = "/f"},
                                         {.type = MountType::volume, .source = "data", .target = "/v"}}});
  ASSERT_TRUE(box.files().copy_in(BOX_MAPPER, "/bin/mapper"));
  std::string large(100'000, 'x');
  large.back() = 'y';
  ASSERT_TRUE(write_file_atomic(file_, large, 0644));
  EXPECT_TRUE(run_in(box, {"mapper", "read", "/f/file"}).out == large);
  std::ofstream(file_, std::ios::app) << "more";
  EXPECT_TRUE(run_in(box, {"mapper", "read", "/f/file"}).out == large + "more");
  EXPECT_EQ(run_in(box, {"sh", "-c", "cp /bin/mapper /f/program; /f/program read /f/file | wc -c"}).out,
            "100004\n");
  for (const auto* const place : {"/f", "/v"}) {
    EXPECT_EQ(
        run_in(box, {"sh", "-c", concat("cd ", place, "; echo database >db; mapper write $PWD/db; cat db")})
            .out,
        "Matabase\n");
  }
}

}  // namespace
}  // namespace boxlite::test
