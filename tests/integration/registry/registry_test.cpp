// SPDX-License-Identifier: Apache-2.0
// Pulling from Debian's docker-registry, filled by skopeo: what arrives, what happens when it does not.
#include <array>
#include <cstring>
#include <fstream>

#include <sys/wait.h>
#include <unistd.h>

#include "cutting_proxy.h"
#include "registry_fixture.h"

namespace boxlite::test {
namespace {

using image::Image;

class RegistryTest : public RegistryFixture {
 protected:
  RegistryTest() : registry_server_(path("registry")) {}

  std::string at(const std::string& name) const { return concat(registry_server_.address(), "/", name); }
  static Result<Image> pull(const image::ImageStore& from, const std::string& name,
                            image::PullOptions options = {}) {
    return from.pull(name, options);
  }

  RegistryServer registry_server_;
};

void expect_layers(const image::ImageStore& store, const Image& image, const sample::SampleImage& sample) {
  ASSERT_EQ(image.layers.size(), sample.layers.size());
  for (std::size_t i = 0; i < image.layers.size(); ++i) {
    EXPECT_EQ(image.layers[i].diff_id, oci::Digest::of(sample.layers[i].plain));
    const auto bytes = read_file(store.blob_path(image.layers[i].digest), 64u << 20);
    ASSERT_TRUE(bytes) << bytes.error().message();
    EXPECT_TRUE(*bytes == sample.layers[i].stored);
  }
}

TEST_F(RegistryTest, PullsAnImageThatSkopeoPushedAndReadsBack) {
  const auto sample = big_image();
  push(layout(sample), "it", at("team/app:1.0"));
  const auto images = store();
  std::vector<image::Progress> seen;
  const auto pulled =
      pull(images, at("team/app:1.0"), {.progress = [&](const auto& step) { seen.push_back(step); }});
  ASSERT_TRUE(pulled) << pulled.error().message();
  expect_layers(images, *pulled, sample);
  EXPECT_EQ(std::ranges::count_if(seen, [](const auto& step) { return step.done == step.total; }), 3);
  EXPECT_EQ(images.resolve(at("team/app:1.0"))->config_digest, pulled->config_digest);

  const auto told =
      run("skopeo", {"inspect", concat("oci:", path("images").native(), ":", at("team/app:1.0"))});
  EXPECT_NE(told.find(pulled->manifest_digest.str()), std::string::npos) << told;
  run("skopeo",
      {"--insecure-policy", "copy", "-q", concat("oci:", path("images").native(), ":", at("team/app:1.0")),
       concat("dir:", path("copy").native())});

  std::vector<image::Progress> again;
  ASSERT_TRUE(
      pull(images, at("team/app:1.0"), {.progress = [&](const auto& step) { again.push_back(step); }}));
  EXPECT_TRUE(std::ranges::all_of(again, &image::Progress::was_there));
}

TEST_F(RegistryTest, KeepsTheRegistrysDigestOfADockerManifest) {
  push(layout(big_image()), "it", at("docker:2"), {"--format", "v2s2"});
  const auto pulled = pull(store(), at("docker:2"));
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_NE(pulled->source_digest, pulled->manifest_digest);
  const auto told = run("skopeo", {"inspect", "--tls-verify=false", concat("docker://", at("docker:2"))});
  EXPECT_NE(told.find(pulled->source_digest.str()), std::string::npos) << told;
  const auto pinned = concat(at("docker"), "@", pulled->source_digest.str());
  ASSERT_TRUE(store().resolve(pinned));
  ASSERT_TRUE(pull(store({}, "other"), pinned));
  run("skopeo", {"inspect", concat("oci:", path("images").native(), ":", at("docker:2"))});
}

TEST_F(RegistryTest, ChoosesThePlatformOfAnIndexAndPinsIt) {
  const auto amd = sample::image({sample::layer({{"a", "amd"}})}, {"linux", "amd64", ""});
  const auto arm = sample::image({sample::layer({{"a", "arm"}})}, {"linux", "arm64", ""});
  const auto nested = sample::index_json({{amd, ""}, {arm, ""}}, true);
  auto files = sample::layout({{amd, "x"}, {arm, "y"}});
  oci::Index top{.media_type = std::string(oci::media_type::index),
                 .manifests = {sample::descriptor(oci::media_type::index, nested)}};
  top.manifests[0].annotations.emplace(oci::annotation_ref_name, "it");
  files.push_back({"index.json", oci::to_json(top)});
  files.push_back({concat("blobs/sha256/", oci::Digest::of(nested).hex()), nested});
  sample::write_files(path("multi"), files);
  push(path("multi"), "it", at("multi:1"), {"--all", "--preserve-digests"});

  const auto images = store();
  for (const auto* name : {"amd64", "arm64"}) {
    const auto pulled = pull(images, at("multi:1"), {.platform = oci::Platform{"linux", name, ""}});
    ASSERT_TRUE(pulled) << pulled.error().message();
    EXPECT_EQ(pulled->platform.architecture, name);
    EXPECT_EQ(pulled->source_digest, oci::Digest::of(nested));
  }
  EXPECT_EQ(images.resolve(at("multi:1"), oci::Platform{"linux", "arm64", ""})->platform.architecture,
            "arm64");
  const auto missing = pull(images, at("multi:1"), {.platform = oci::Platform{"linux", "s390x", ""}});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message().find("linux/amd64, linux/arm64"), std::string::npos)
      << missing.error().message();
  const auto pinned = concat(at("multi"), "@", oci::Digest::of(nested).str());
  EXPECT_TRUE(pull(store({}, "pinned"), pinned));
  const auto wrong = pull(images, concat(at("multi"), "@", oci::Digest::of("other").str()));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), ErrorCode::not_found);
}

TEST_F(RegistryTest, RefusesAnImageForAnotherMachine) {
  const auto other = oci::Platform::of_host().architecture == "s390x" ? "amd64" : "s390x";
  push(layout(sample::image({sample::layer({{"a", "b"}})}, {"linux", other, ""})), "it", at("other:1"));
  const auto pulled = pull(store(), at("other:1"));
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code(), ErrorCode::unsupported) << pulled.error().message();
  EXPECT_TRUE(pull(store(), at("other:1"), {.platform = oci::Platform{"linux", other, ""}}));
}

TEST_F(RegistryTest, NamesWhatIsUnknown) {
  const auto unknown = pull(store(), at("no/such:1"));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), ErrorCode::not_found);
  EXPECT_NE(unknown.error().message().find("MANIFEST_UNKNOWN"), std::string::npos)
      << unknown.error().message();
  EXPECT_FALSE(unknown.error().remedy().empty());
  const auto nobody = pull(store(), "127.0.0.1:1/x:1");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code(), ErrorCode::unavailable);
  EXPECT_NE(nobody.error().remedy().find("127.0.0.1:1"), std::string::npos) << nobody.error().message();
}

TEST_F(RegistryTest, RefusesABlobThatTheRegistryDamaged) {
  const auto sample = big_image();
  push(layout(sample), "it", at("bad:1"));
  const auto file = registry_server_.blob_file(oci::Digest::of(sample.layers[1].stored).hex());
  {
    std::fstream damage(file, std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(1000);
    damage.put('\x7f').put('\x01');
  }
  const auto damaged = pull(store(), at("bad:1"));
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code(), ErrorCode::corrupted);
  EXPECT_NE(damaged.error().message().find(oci::Digest::of(sample.layers[1].stored).str()),
            std::string::npos);
  EXPECT_TRUE(store().list()->empty());
  std::filesystem::resize_file(file, 1u << 20);
  const auto cut = pull(store(), at("bad:1"));
  ASSERT_FALSE(cut);
  EXPECT_NE(cut.error().message().find("bytes"), std::string::npos) << cut.error().message();

  std::ofstream(file, std::ios::binary) << sample.layers[1].stored;
  const auto healed = pull(store(), at("bad:1"));
  ASSERT_TRUE(healed) << healed.error().message();
  expect_layers(store(), *healed, sample);
}

TEST_F(RegistryTest, ContinuesADownloadAfterALostConnection) {
  const auto sample = big_image();
  push(layout(sample), "it", at("cut:1"));
  const CuttingProxy proxy(registry_server_.port(), 3, 700'000);
  const auto pulled = pull(store(), concat(proxy.address(), "/cut:1"));
  ASSERT_TRUE(pulled) << pulled.error().message();
  expect_layers(store(), *pulled, sample);
  EXPECT_EQ(proxy.cuts_left(), 0);
  EXPECT_EQ(proxy.count_in_requests("Range: bytes="), 3);
}

TEST_F(RegistryTest, GivesUpAfterTooManyLostConnections) {
  push(layout(big_image()), "it", at("cut:1"));
  const CuttingProxy proxy(registry_server_.port(), 1000, 20'000);
  const auto pulled = pull(store(), concat(proxy.address(), "/cut:1"));
  ASSERT_FALSE(pulled);
  EXPECT_TRUE(pulled.error().retryable()) << pulled.error().message();
}

TEST_F(RegistryTest, ContinuesWhatAKilledProcessLeft) {
  const auto sample = big_image();
  push(layout(sample), "it", at("kill:1"));
  const pid_t child = ::fork();
  if (child == 0) {
    (void)store().pull(at("kill:1"), {.progress = [&](const image::Progress& step) {
                         if (step.done > 0 && step.done < step.total) ::kill(::getpid(), SIGKILL);
                       }});
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  const CuttingProxy proxy(registry_server_.port());
  const auto other_name = pull(store(), concat(proxy.address(), "/kill:1"));
  ASSERT_TRUE(other_name) << other_name.error().message();
  EXPECT_EQ(proxy.count_in_requests("Range: bytes="), 1);
  expect_layers(store(), *other_name, sample);
}

TEST_F(RegistryTest, DistrustsWhatIsLeftWhenItIsWrong) {
  const auto sample = big_image();
  push(layout(sample), "it", at("left:1"));
  const auto images = store();
  const auto hex = oci::Digest::of(sample.layers[1].stored).hex();
  std::ofstream(path(concat("images/tmp/sha256-", hex, ".part")), std::ios::binary)
      << std::string(100'000, 'x');
  const auto pulled = pull(images, at("left:1"));
  ASSERT_TRUE(pulled) << pulled.error().message();
  expect_layers(images, *pulled, sample);
}

TEST_F(RegistryTest, TwoProcessesDownloadABlobOnce) {
  const auto sample = big_image(6u << 20);
  push(layout(sample), "it", at("both:1"));
  // The children come first: a process with threads, such as the proxy's, may fork only to execute.
  int names[2];
  ASSERT_EQ(::pipe(names), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < 3; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      std::array<char, 64> name{};
      if (::read(names[0], name.data(), name.size() - 1) != static_cast<ssize_t>(name.size() - 1)) ::_exit(2);
      const auto pulled = store().pull(name.data(), {});
      ::_exit(pulled && store().resolve(name.data()) ? 0 : 1);
    }
    children.push_back(child);
  }
  const CuttingProxy proxy(registry_server_.port());
  auto name = concat(proxy.address(), "/both:1");
  name.resize(63);
  for (std::size_t i = 0; i < children.size(); ++i)
    ASSERT_EQ(::write(names[1], name.data(), name.size()), static_cast<ssize_t>(name.size()));
  name.resize(std::strlen(name.c_str()));
  ::close(names[0]);
  ::close(names[1]);
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  EXPECT_EQ(proxy.count_in_requests(concat("/blobs/", oci::Digest::of(sample.layers[1].stored).str())), 1);
  expect_layers(store(), *store().resolve(name), sample);
}

TEST_F(RegistryTest, AsksAMirrorWithAPathPrefixFirst) {
  const auto sample = big_image();
  push(layout(sample), "it", at("docker-remote/library/alpine:3"));
  auto mirror = registry(registry_server_.address());
  mirror.mirror_of = "docker.io";
  mirror.path_prefix = "docker-remote";
  const auto images = store({mirror});
  const auto pulled = pull(images, "alpine:3");
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(pulled->reference, "docker.io/library/alpine:3");
  expect_layers(images, *pulled, sample);
  EXPECT_TRUE(pull(images, "alpine:3", {.policy = image::PullPolicy::missing}));
}

TEST_F(RegistryTest, SearchesUnqualifiedNamesInOrderAndTellsEveryReason) {
  const RegistryServer second(path("second"));
  push(layout(big_image()), "it", concat(second.address(), "/tool:1"));
  auto first_place = registry(registry_server_.address());
  auto second_place = registry(second.address());
  first_place.search = true;
  second_place.search = true;
  const auto images = store({first_place, second_place});
  const auto pulled = pull(images, "tool:1");
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(pulled->reference, concat(second.address(), "/tool:1"));
  const auto missing = pull(images, "nothing:1");
  ASSERT_FALSE(missing);
  for (const auto& host : {registry_server_.address(), second.address(), std::string("docker.io")}) {
    EXPECT_NE(missing.error().message().find(host), std::string::npos) << missing.error().message();
  }
}

TEST_F(RegistryTest, StopsWhenAskedTo) {
  push(layout(big_image()), "it", at("stop:1"));
  std::stop_source source;
  const auto pulled = pull(store(), at("stop:1"),
                           {.progress =
                                [&](const image::Progress& step) {
                                  if (step.done > 0 && step.done < step.total) source.request_stop();
                                },
                            .stop = source.get_token()});
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code(), ErrorCode::cancelled) << pulled.error().message();
}

}  // namespace
}  // namespace boxlite::test
