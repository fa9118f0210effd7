// SPDX-License-Identifier: Apache-2.0
#include "image/image_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "image/sample_image_test.h"
#include "oci/chain_id.h"

namespace boxlite::image {
namespace {

namespace fs = std::filesystem;

class ImageStoreTest : public testing::Test {
 protected:
  ImageStoreTest() : dir_(*TempDir::create(fs::temp_directory_path(), "boxlite-image-")) {}

  ImageStore store() const { return *ImageStore::open(dir_.path() / "images", {}); }
  fs::path file(const std::string& name, const std::string& content) const {
    std::ofstream(dir_.path() / name, std::ios::binary) << content;
    return dir_.path() / name;
  }
  fs::path layout_dir(const std::string& name, const sample::TarFiles& files) const {
    sample::write_files(dir_.path() / name, files);
    return dir_.path() / name;
  }
  std::size_t blob_count() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(dir_.path() / "images/blobs/sha256"), {}));
  }

  TempDir dir_;
};

sample::SampleImage two_layers(std::string_view mark = "one") {
  return sample::image({sample::layer({{"a", std::string(mark)}}, sample::Compression::gzip),
                        sample::layer({{"b", "bbb"}}, sample::Compression::zstd)});
}

std::string slurp(int fd) {
  std::string text(1u << 20, '\0');
  text.resize(static_cast<std::size_t>(::read(fd, text.data(), text.size())));
  return text;
}

TEST_F(ImageStoreTest, LoadsALayoutDirectoryAndHandsOutItsLayers) {
  const auto image = two_layers();
  const auto source = layout_dir("layout", sample::layout({{image, "reg.example/app:1"}}));
  const auto loaded = store().load(source, {});
  ASSERT_TRUE(loaded) << loaded.error().message();
  ASSERT_EQ(loaded->size(), 1u);
  const auto found = store().resolve("reg.example/app:1");
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->reference, "reg.example/app:1");
  EXPECT_EQ(found->config.cmd, std::vector<std::string>{"sh"});
  EXPECT_EQ(found->manifest_digest, oci::Digest::of(image.manifest_json));
  ASSERT_EQ(found->layers.size(), 2u);
  EXPECT_EQ(found->layers[0].diff_id, oci::Digest::of(image.layers[0].plain));
  const auto bytes = store().open_layer(found->layers[1]);
  ASSERT_TRUE(bytes) << bytes.error().message();
  EXPECT_EQ(slurp(bytes->get()), image.layers[1].stored);
  EXPECT_EQ(found->chain_id(), oci::chain_id(found->config.diff_ids));
}

TEST_F(ImageStoreTest, PutsABareTagBehindTheFileName) {
  for (const auto compression :
       {sample::Compression::none, sample::Compression::gzip, sample::Compression::zstd}) {
    const auto path =
        file("debian.tar", sample::tar(sample::layout({{two_layers(), "python"}}), compression));
    const auto loaded = store().load(path, {});
    ASSERT_TRUE(loaded) << loaded.error().message();
    EXPECT_EQ(loaded->front().reference, "docker.io/library/debian:python");
    EXPECT_TRUE(store().resolve("debian:python"));
  }
}

TEST_F(ImageStoreTest, LoadsADockerArchiveWithSharedLinkedLayersFromAPipe) {
  const auto base = sample::layer({{"etc/os", "x"}});
  const auto top = sample::layer({{"bin/y", "y"}});
  const auto one = sample::image({base});
  const auto two = sample::image({base, top});
  const auto manifest =
      concat(R"([{"Config":"one.json","RepoTags":["one:1","uno:1"],"Layers":["a/layer.tar"]},)",
             R"({"Config":"two.json","RepoTags":null,"Layers":["b/layer.tar","c/layer.tar"]}])");
  const auto archive = sample::tar({{"manifest.json", manifest},
                                    {"../../etc/passwd", "evil"},
                                    {"b/layer.tar", "-> ../a/layer.tar"},
                                    {"a/layer.tar", base.plain},
                                    {"c/layer.tar", top.plain},
                                    {"one.json", one.config},
                                    {"two.json", two.config}});
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    ::_exit(write_all(ends[1], archive, "pipe") ? 0 : 1);
  }
  ::close(ends[1]);
  const UniqueFd reading(ends[0]);
  const auto loaded = store().load_stream(reading.get(), {});
  ::waitpid(child, nullptr, 0);
  ASSERT_TRUE(loaded) << loaded.error().message();
  ASSERT_EQ(loaded->size(), 3u);
  EXPECT_EQ((*loaded)[1].reference, "docker.io/library/uno:1");
  EXPECT_EQ((*loaded)[2].reference, "");
  EXPECT_EQ((*loaded)[2].layers[0].digest, oci::Digest::of(base.plain));
  const auto id = oci::Digest::of(two.config);
  EXPECT_EQ(store().resolve(id.short_hex())->config_digest, id);
}

TEST_F(ImageStoreTest, RefusesALayerThatIsNotWhatTheConfigSays) {
  const auto good = sample::layer({{"x", "x"}});
  const auto image = sample::image({good});
  const auto bad = sample::layer({{"x", "y"}});
  const auto path =
      file("x.tar",
           sample::tar({{"manifest.json", R"([{"Config":"c.json","RepoTags":["x:1"],"Layers":["l.tar"]}])"},
                        {"c.json", image.config},
                        {"l.tar", bad.plain}}));
  const auto loaded = store().load(path, {});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), ErrorCode::corrupted);
  EXPECT_TRUE(store().list()->empty());
  EXPECT_EQ(blob_count(), 0u);
}

TEST_F(ImageStoreTest, RefusesABlobThatLiesAboutItsDigest) {
  auto files = sample::layout({{two_layers(), "x:1"}});
  files.back().second[20] ^= 1;
  const auto from_tar = store().load(file("x.tar", sample::tar(files)), {});
  ASSERT_FALSE(from_tar);
  EXPECT_EQ(from_tar.error().code(), ErrorCode::corrupted);
  const auto from_directory = store().load(layout_dir("d", files), {});
  ASSERT_FALSE(from_directory);
  EXPECT_EQ(from_directory.error().code(), ErrorCode::corrupted);
}

TEST_F(ImageStoreTest, NamesWhatIsMissingInABrokenArchive) {
  auto files = sample::layout({{two_layers(), "x:1"}});
  files.pop_back();
  const auto missing = store().load(file("x.tar", sample::tar(files)), {});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message().find("the archive lacks"), std::string::npos)
      << missing.error().message();

  const auto whole = sample::tar(sample::layout({{two_layers(), "x:1"}}), sample::Compression::gzip);
  const auto cut = store().load(file("cut.tar.gz", whole.substr(0, whole.size() / 2)), {});
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code(), ErrorCode::corrupted) << cut.error().message();

  const auto nonsense = store().load(file("n.tar", std::string(100'000, 'x')), {});
  ASSERT_FALSE(nonsense);
  EXPECT_FALSE(nonsense.error().remedy().empty()) << nonsense.error().message();
  EXPECT_FALSE(store().load(file("empty.tar", ""), {}));
}

TEST_F(ImageStoreTest, StopsAnArchiveThatUnpacksToTooMuch) {
  const auto bomb = sample::tar({{"a/layer.tar", std::string(4u << 20, '\0')}}, sample::Compression::gzip);
  ASSERT_LT(bomb.size(), 100'000u);
  const auto small = *ImageStore::open(dir_.path() / "images", {.max_archive_bytes = 1u << 20});
  const auto loaded = small.load(file("bomb.tar.gz", bomb), {});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), ErrorCode::resource_exhausted);
  EXPECT_TRUE(fs::is_empty(dir_.path() / "images/tmp"));
  EXPECT_EQ(blob_count(), 0u);
}

TEST_F(ImageStoreTest, ChoosesThePlatformAndListsWhatThereIs) {
  const auto amd = sample::image({sample::layer({{"a", "amd"}})}, {"linux", "amd64", ""});
  const auto arm = sample::image({sample::layer({{"a", "arm"}})}, {"linux", "arm64", ""});
  const auto path = layout_dir("multi", sample::layout({{amd, "m:1"}, {arm, "m:1"}}, true));
  const oci::Platform wanted{"linux", "arm64", ""};
  const auto loaded = store().load(path, {.platform = wanted});
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->front().platform.architecture, "arm64");
  ASSERT_TRUE(store().load(path, {.platform = oci::Platform{"linux", "amd64", ""}}));
  EXPECT_EQ(store().resolve("m:1", wanted)->platform.architecture, "arm64");
  EXPECT_EQ(store().resolve("m:1", oci::Platform{"linux", "amd64", ""})->platform.architecture, "amd64");
  const auto missing = store().load(path, {.platform = oci::Platform{"linux", "riscv64", ""}});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message().find("linux/amd64, linux/arm64"), std::string::npos)
      << missing.error().message();
}

TEST_F(ImageStoreTest, NamesOneOfSeveralImages) {
  const auto path = layout_dir("two", sample::layout({{two_layers("1"), "x:1"}, {two_layers("2"), "x:2"}}));
  const auto ambiguous = store().load(path, {.name = "mine"});
  ASSERT_FALSE(ambiguous);
  EXPECT_NE(ambiguous.error().message().find("\"x:1\", \"x:2\""), std::string::npos)
      << ambiguous.error().message();
  const auto one = store().load(path, {.name = "mine", .select = "x:2"});
  ASSERT_TRUE(one) << one.error().message();
  EXPECT_EQ(one->size(), 1u);
  EXPECT_TRUE(store().resolve("mine"));
  EXPECT_FALSE(store().resolve("x:1"));
  EXPECT_FALSE(store().load(path, {.select = "x:3"}));
}

TEST_F(ImageStoreTest, RemovesAnImageButNotTheBlobsOfOthers) {
  const auto shared = sample::layer({{"s", "s"}});
  const auto one = sample::image({shared, sample::layer({{"1", "1"}})});
  const auto two = sample::image({shared, sample::layer({{"2", "2"}})});
  ASSERT_TRUE(store().load(layout_dir("d", sample::layout({{one, "one:1"}, {two, "two:1"}})), {}));
  ASSERT_EQ(blob_count(), 7u);
  const auto report = store().remove("one:1");
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->untagged, std::vector<std::string>{"docker.io/library/one:1"});
  EXPECT_GT(report->freed_bytes, 0u);
  EXPECT_EQ(blob_count(), 4u);
  EXPECT_FALSE(store().resolve("one:1"));
  ASSERT_TRUE(store().resolve("two:1"));
  EXPECT_FALSE(store().remove("one:1"));
}

TEST_F(ImageStoreTest, RemovesByIdOnlyWhenNoOtherNameIsLost) {
  const auto image = two_layers();
  const auto path = layout_dir("d", sample::layout({{image, "x:1"}}));
  ASSERT_TRUE(store().load(path, {}));
  ASSERT_TRUE(store().load(path, {.name = "y:1"}));
  const auto id = oci::Digest::of(image.config).short_hex();
  const auto refused = store().remove(id);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::invalid_state);
  const auto forced = store().remove(id, true);
  ASSERT_TRUE(forced) << forced.error().message();
  EXPECT_EQ(forced->untagged.size(), 2u);
  EXPECT_EQ(blob_count(), 0u);
}

TEST_F(ImageStoreTest, KeepsAnImageThatLostItsNameUntilItIsPruned) {
  ASSERT_TRUE(store().load(layout_dir("a", sample::layout({{two_layers("1"), "x:1"}})), {}));
  const auto old = *store().resolve("x:1");
  ASSERT_TRUE(store().load(layout_dir("b", sample::layout({{two_layers("2"), "x:1"}})), {}));
  EXPECT_NE(store().resolve("x:1")->config_digest, old.config_digest);
  ASSERT_TRUE(store().resolve(old.config_digest.str()));
  const auto kept = store().prune({.keep = {old.config_digest}});
  ASSERT_TRUE(kept);
  EXPECT_TRUE(kept->deleted.empty());
  const auto dry = store().prune({.dry_run = true});
  ASSERT_TRUE(dry);
  EXPECT_GT(dry->freed_bytes, 0u);
  EXPECT_TRUE(store().resolve(old.config_digest.str()));
  const auto pruned = store().prune({});
  ASSERT_TRUE(pruned);
  EXPECT_EQ(pruned->freed_bytes, dry->freed_bytes);
  EXPECT_EQ(pruned->deleted, std::vector<oci::Digest>{old.manifest_digest});
  EXPECT_FALSE(store().resolve(old.config_digest.str()));
  EXPECT_TRUE(store().resolve("x:1"));
}

TEST_F(ImageStoreTest, SweepsNothingWhileSomebodyHoldsALease) {
  ASSERT_TRUE(store().load(layout_dir("a", sample::layout({{two_layers(), "x:1"}})), {}));
  {
    const auto lease = store().lease();
    ASSERT_TRUE(lease);
    const auto report = store().remove("x:1");
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_TRUE(report->is_sweep_postponed);
    EXPECT_EQ(blob_count(), 4u);
  }
  ASSERT_TRUE(store().prune({}));
  EXPECT_EQ(blob_count(), 0u);
}

TEST_F(ImageStoreTest, ProcessesLoadAndRemoveAtOnce) {
  constexpr int processes = 4;
  const auto own = layout_dir("shared", sample::layout({{two_layers("shared"), "shared:1"}}));
  for (int i = 0; i < processes; ++i) {
    layout_dir(concat("own", i), sample::layout({{two_layers(concat("own", i)), concat("own", i, ":1")}}));
  }
  std::vector<pid_t> children;
  for (int i = 0; i < processes; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (int round = 0; round < 5; ++round) {
        if (!store().load(own, {})) ::_exit(1);
        if (!store().load(dir_.path() / concat("own", i), {})) ::_exit(2);
        if (!store().resolve("shared:1")) ::_exit(3);
        if (round < 4 && !store().remove(concat("own", i, ":1"))) ::_exit(4);
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  ASSERT_TRUE(store().prune({}));
  EXPECT_EQ(store().list()->size(), static_cast<std::size_t>(processes) + 1);
  EXPECT_EQ(blob_count(), 3u * (processes + 1) + 1u);
}

TEST_F(ImageStoreTest, SurvivesAKilledLoader) {
  const auto path = layout_dir("d", sample::layout({{two_layers(), "x:1"}}));
  for (int round = 0; round < 20; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      int steps = 0;
      (void)store().load(path, {.progress = [&](const Progress&) {
                           if (++steps > round % 5) ::kill(::getpid(), SIGKILL);
                         }});
      ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    if (round % 5 == 4) {
      ASSERT_TRUE(store().prune({.all = true}));
    }
  }
  ASSERT_TRUE(store().load(path, {}));
  ASSERT_TRUE(store().resolve("x:1"));
}

TEST_F(ImageStoreTest, FindsAnUnqualifiedNameOnASearchedRegistry) {
  ASSERT_TRUE(store().load(layout_dir("d", sample::layout({{two_layers(), "reg.corp/tool:1"}})), {}));
  EXPECT_FALSE(store().resolve("tool:1"));
  StoreOptions options;
  options.network.registries = {{.host = "reg.corp", .search = true}};
  const auto searching = *ImageStore::open(dir_.path() / "images", options);
  const auto found = searching.resolve("tool:1");
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->reference, "reg.corp/tool:1");
  EXPECT_TRUE(searching.remove("tool:1"));
}

TEST_F(ImageStoreTest, SaysHowToGetAMissingImage) {
  const auto missing = store().resolve("nowhere:1");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::not_found);
  EXPECT_NE(missing.error().remedy().find("boxlite pull nowhere:1"), std::string::npos);
  EXPECT_EQ(store().resolve("Not A Name").error().code(), ErrorCode::invalid_argument);
}

TEST_F(ImageStoreTest, NoticesADamagedStore) {
  const auto image = two_layers();
  ASSERT_TRUE(store().load(layout_dir("d", sample::layout({{image, "x:1"}})), {}));
  const auto found = *store().resolve("x:1");
  fs::resize_file(store().blob_path(found.layers[0].digest), 5);
  EXPECT_EQ(store().open_layer(found.layers[0]).error().code(), ErrorCode::corrupted);
  ASSERT_TRUE(store().load(dir_.path() / "d", {}));
  EXPECT_TRUE(store().open_layer(found.layers[0]));
  std::ofstream(store().blob_path(found.config_digest)) << std::string(image.config.size(), '{');
  const auto broken = store().resolve("x:1");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code(), ErrorCode::corrupted);
  EXPECT_FALSE(broken.error().remedy().empty());
}

}  // namespace
}  // namespace boxlite::image
