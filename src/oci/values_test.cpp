// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "oci/chain_id.h"
#include "oci/digest.h"
#include "oci/manifest.h"
#include "oci/media_type.h"
#include "oci/platform.h"

namespace boxlite::oci {
namespace {

TEST(DigestTest, HashesLikeTheStandardSays) {
  EXPECT_EQ(Digest::of("abc").str(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Digest::of("", DigestAlgorithm::sha512).hex().substr(0, 16), "cf83e1357eefb8bd");
  Hasher hasher;
  hasher.update("wrong");
  hasher.reset();
  hasher.update("a");
  hasher.update("bc");
  EXPECT_EQ(hasher.finish(), Digest::of("abc"));
}

TEST(DigestTest, ParsesOnlyWellFormedText) {
  const auto good = Digest::of("x").str();
  EXPECT_EQ(Digest::parse(good)->str(), good);
  EXPECT_TRUE(Digest::parse("sha512:" + std::string(128, '0')));
  for (const std::string& text :
       {std::string(), std::string("sha256"), std::string("sha256:"), "sha256:" + std::string(63, 'a'),
        "sha256:" + std::string(65, 'a'), "sha256:" + std::string(63, 'a') + "G",
        "sha256:" + std::string(62, 'a') + "..", "SHA256:" + std::string(64, 'a'),
        "sha512:" + std::string(64, 'a'), "md5:" + std::string(32, 'a')}) {
    EXPECT_FALSE(Digest::parse(text)) << text;
  }
}

TEST(ChainIdTest, FollowsTheImageSpecification) {
  const Digest layers[] = {Digest::of("a"), Digest::of("b"), Digest::of("c")};
  EXPECT_EQ(chain_id({layers, 1}), layers[0]);
  const auto two = Digest::of(layers[0].str() + " " + layers[1].str());
  EXPECT_EQ(chain_id({layers, 2}), two);
  EXPECT_EQ(chain_id(layers), Digest::of(two.str() + " " + layers[2].str()));
}

TEST(PlatformTest, ParsesAndNormalises) {
  EXPECT_EQ(Platform::parse("linux/amd64")->str(), "linux/amd64");
  EXPECT_EQ(Platform::parse("x86_64")->str(), "linux/amd64");
  EXPECT_EQ(Platform::parse("Linux/AARCH64")->str(), "linux/arm64");
  EXPECT_EQ(Platform::parse("linux/arm64/v8")->str(), "linux/arm64");
  EXPECT_EQ(Platform::parse("arm/v6")->str(), "linux/arm/v6");
  EXPECT_EQ(Platform::parse("linux/arm/7")->str(), "linux/arm");
  EXPECT_EQ(Platform::parse("linux/vv")->str(), "linux/vv");
  const auto longest = "linux/x/" + std::string(32, '7');
  EXPECT_EQ(Platform::parse(longest)->str(), longest);
  EXPECT_EQ(Platform::parse("linux")->str(), Platform::of_host().str());
  for (const auto* text : {"", "/", "linux/", "/amd64", "a/b/c/d", "linux/am d64", "linux//v8"}) {
    EXPECT_FALSE(Platform::parse(text)) << text;
  }
  EXPECT_FALSE(Platform::parse(std::string(10'000, 'a')));
}

TEST(PlatformTest, KnowsWhatRunsWhere) {
  const auto rank = [](std::string_view wanted, std::string_view offered) {
    return distance(*Platform::parse(wanted), *Platform::parse(offered));
  };
  EXPECT_EQ(rank("linux/amd64", "linux/amd64"), 0);
  EXPECT_EQ(rank("linux/amd64", "linux/amd64/v1"), 0);
  EXPECT_EQ(rank("linux/amd64/v3", "linux/amd64"), 2);
  EXPECT_EQ(rank("linux/arm/v7", "linux/arm/v6"), 1);
  EXPECT_EQ(rank("linux/arm64", "linux/arm64/v8"), 0);
  EXPECT_FALSE(rank("linux/amd64", "linux/amd64/v2"));
  EXPECT_FALSE(rank("linux/arm/v6", "linux/arm/v7"));
  EXPECT_FALSE(rank("linux/amd64", "linux/arm64"));
  EXPECT_FALSE(rank("linux/amd64", "windows/amd64"));
  EXPECT_FALSE(rank("linux/amd64", "linux/amd64/strange"));
  const auto runs = [](std::string_view host, std::string_view image) {
    return can_run(*Platform::parse(host), *Platform::parse(image));
  };
  EXPECT_TRUE(runs("linux/amd64", "linux/386"));
  EXPECT_TRUE(runs("linux/amd64", "linux/i686"));
  EXPECT_TRUE(runs("linux/arm64", "linux/arm64"));
  EXPECT_FALSE(rank("linux/amd64", "linux/386")) << "only when it is asked for";
  EXPECT_FALSE(runs("linux/arm64", "linux/386"));
  EXPECT_FALSE(runs("linux/amd64", "windows/386"));
}

TEST(ChoosePlatformTest, NamesTheWayToAnImageForI386) {
  Index index{.media_type = std::string(media_type::index)};
  Descriptor entry{.media_type = std::string(media_type::manifest), .digest = Digest::of("x"), .size = 1};
  entry.platform = Platform{"linux", "386", ""};
  index.manifests.push_back(entry);
  const auto chosen = choose_platform(index, *Platform::parse("linux/amd64"));
  ASSERT_FALSE(chosen);
  EXPECT_EQ(chosen.error().message(), "no image for the platform linux/amd64; offered: linux/386");
  EXPECT_NE(chosen.error().remedy().find("--platform linux/386"), std::string::npos);
  EXPECT_TRUE(choose_platform(index, *Platform::parse("linux/386")));
}

TEST(MediaTypeTest, ReadsOnlyKnownLayers) {
  EXPECT_EQ(media_type::readable_layer(media_type::docker_layer_gzip), media_type::layer_gzip);
  EXPECT_EQ(media_type::readable_layer(media_type::layer_zstd), media_type::layer_zstd);
  EXPECT_EQ(media_type::readable_layer("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
            media_type::layer_gzip);
  EXPECT_FALSE(media_type::readable_layer("application/vnd.oci.image.layer.v1.tar+gzip+encrypted"));
  EXPECT_EQ(media_type::sniff_layer("\x1f\x8b\x08"), media_type::layer_gzip);
  EXPECT_EQ(media_type::sniff_layer("\x28\xb5\x2f\xfd"), media_type::layer_zstd);
  EXPECT_EQ(media_type::sniff_layer(""), media_type::layer_tar);
}

}  // namespace
}  // namespace boxlite::oci
