// SPDX-License-Identifier: Apache-2.0
// The JSON documents: what good ones mean, and that bad ones are refused with a name for what is wrong.
#include <gtest/gtest.h>

#include "base/concat.h"
#include "oci/docker_archive.h"
#include "oci/image_config.h"
#include "oci/manifest.h"
#include "oci/media_type.h"

namespace boxlite::oci {
namespace {

const std::string digest_a = Digest::of("a").str();

std::string blob(std::string_view type, std::string_view size = "10") {
  return concat(R"({"mediaType":")", type, R"(","digest":")", digest_a, R"(","size":)", size, "}");
}

std::string manifest_with(std::string_view layers) {
  return concat(R"({"schemaVersion":2,"config":)", blob(media_type::config), R"(,"layers":)", layers, "}");
}

std::string message_of(const auto& result) {
  return result ? std::string("no error") : result.error().message();
}

TEST(ManifestTest, SurvivesARoundTrip) {
  auto manifest = parse_manifest(
      manifest_with(concat("[", blob(media_type::layer_gzip), ",", blob(media_type::layer_zstd), "]")));
  ASSERT_TRUE(manifest) << manifest.error().message();
  manifest->annotations["key"] = "v\"\xff";
  const auto again = parse_manifest(to_json(*manifest));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->config, manifest->config);
  EXPECT_EQ(again->layers, manifest->layers);
}

TEST(ManifestTest, TellsAnIndexFromAManifestAndRefusesBothAtOnce) {
  const auto index = concat(R"({"manifests":[)", blob(media_type::manifest), "]}");
  EXPECT_TRUE(std::holds_alternative<Index>(*parse_document(index, "")));
  EXPECT_TRUE(std::holds_alternative<Manifest>(*parse_document(manifest_with("[]"), media_type::manifest)));
  EXPECT_FALSE(parse_document(index, media_type::manifest));
  EXPECT_FALSE(parse_document(manifest_with("[]"), media_type::docker_index));
  const auto both = concat(R"({"layers":[],"manifests":[],"config":)", blob(media_type::config), "}");
  EXPECT_EQ(parse_document(both, "").error().code(), ErrorCode::corrupted);
  EXPECT_FALSE(parse_document("{}", ""));
  EXPECT_EQ(parse_document(R"({"schemaVersion":1,"fsLayers":[]})", "").error().code(),
            ErrorCode::unsupported);
}

TEST(ManifestTest, RefusesBadFieldsByName) {
  EXPECT_NE(message_of(parse_manifest(manifest_with("{}"))).find("\"layers\""), std::string::npos);
  EXPECT_NE(message_of(parse_manifest(manifest_with("[{}]"))).find("entry 0 of layers"), std::string::npos);
  for (const auto* size : {"-1", "1.5", "\"1\"", "null", "1e30", "18446744073709551616", "1099511627777"}) {
    EXPECT_NE(message_of(parse_manifest(manifest_with(concat("[", blob(media_type::layer_tar, size), "]"))))
                  .find("\"size\""),
              std::string::npos)
        << size;
  }
  std::string many = "[";
  for (int i = 0; i < 1001; ++i) many += blob(media_type::layer_tar) + ",";
  many.back() = ']';
  EXPECT_NE(message_of(parse_manifest(manifest_with(many))).find("at most 1000"), std::string::npos);
}

TEST(ManifestTest, RefusesNonsenseWithoutTrouble) {
  for (const std::string& text : {std::string(), std::string("["), std::string("null"), std::string("[]"),
                                  std::string("1"), std::string("{\"layers\":"), std::string("\xff\xfe"),
                                  std::string(100'000, '['), std::string("{\"a\":\"\\ud800\"}")}) {
    EXPECT_FALSE(parse_document(text, "")) << text.substr(0, 20);
    EXPECT_FALSE(parse_image_config(text)) << text.substr(0, 20);
  }
  EXPECT_NE(message_of(parse_document(std::string(100'000, '['), "")).find("too deep"), std::string::npos);
  EXPECT_NE(message_of(parse_document(std::string(5u << 20, ' '), "")).find("larger than"),
            std::string::npos);
}

TEST(ManifestTest, BecomesOci) {
  const auto docker =
      concat(R"({"mediaType":")", media_type::docker_manifest, R"(","config":)",
             blob(media_type::docker_config), R"(,"layers":[)", blob(media_type::docker_layer_gzip), "]}");
  const auto converted = as_oci(*parse_manifest(docker));
  ASSERT_TRUE(converted);
  EXPECT_EQ(converted->media_type, media_type::manifest);
  EXPECT_EQ(converted->config.media_type, media_type::config);
  EXPECT_EQ(converted->layers[0].media_type, media_type::layer_gzip);
  const auto foreign = as_oci(*parse_manifest(manifest_with(concat("[", blob("application/x-thing"), "]"))));
  EXPECT_EQ(foreign.error().code(), ErrorCode::unsupported);
  const auto artifact =
      concat(R"({"config":)", blob("application/vnd.cncf.helm.config.v1+json"), R"(,"layers":[]})");
  EXPECT_EQ(as_oci(*parse_manifest(artifact)).error().code(), ErrorCode::unsupported);
}

TEST(ManifestTest, KeepsForeignLayersForeignAndTheirAddresses) {
  const auto foreign = concat(R"({"mediaType":")", media_type::docker_foreign_gzip, R"(","digest":")",
                              digest_a, R"(","size":1,"urls":["https://example.com/layer"]})");
  const auto converted = as_oci(*parse_manifest(manifest_with(concat("[", foreign, "]"))));
  ASSERT_TRUE(converted);
  const auto again = parse_manifest(to_json(*converted));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->layers[0].media_type, media_type::foreign_gzip);
  EXPECT_EQ(again->layers[0].urls, std::vector<std::string>{"https://example.com/layer"});
  EXPECT_EQ(media_type::readable_layer(again->layers[0].media_type), media_type::layer_gzip);
  EXPECT_TRUE(media_type::is_foreign(media_type::docker_foreign_tar));
  EXPECT_FALSE(media_type::is_foreign(media_type::docker_layer_tar));
  EXPECT_FALSE(parse_manifest(manifest_with(R"([{"digest":"x","urls":1}])")));
}

TEST(IndexTest, ChoosesTheBestPlatform) {
  Index index;
  const auto add = [&](const char* name, Platform platform) {
    index.manifests.push_back({.media_type = std::string(media_type::manifest),
                               .digest = Digest::of(name),
                               .size = 1,
                               .platform = std::move(platform)});
  };
  add("unknown", {"unknown", "unknown", ""});
  add("v5", {"linux", "arm", "v5"});
  add("v6", {"linux", "arm", "v6"});
  add("amd", {"linux", "amd64", ""});
  EXPECT_EQ(choose_platform(index, *Platform::parse("linux/arm/v7"))->digest, Digest::of("v6"));
  EXPECT_EQ(choose_platform(index, *Platform::parse("linux/amd64/v2"))->digest, Digest::of("amd"));
  const auto none = choose_platform(index, *Platform::parse("linux/s390x"));
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message().find("linux/arm/v5, linux/arm/v6, linux/amd64"), std::string::npos)
      << none.error().message();
}

TEST(ImageConfigTest, ReadsWhatRunsTheImage) {
  const auto config = parse_image_config(concat(
      R"({"architecture":"arm64","os":"linux","variant":"v8","created":"2024-01-02T03:04:05.678Z","config":{)",
      R"("Env":["B=2","A=1"],"Entrypoint":null,"Cmd":"one","WorkingDir":"/w","User":"1:2","ExposedPorts":{"80/tcp":{},"443/tcp":{}},)",
      R"("Volumes":{"/v":{}},"Labels":{"k":"v"},"StopSignal":"SIGINT"},"rootfs":{"type":"layers","diff_ids":[")",
      digest_a, R"("]},"history":[{"created_by":"x","empty_layer":true}]})"));
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->platform.str(), "linux/arm64");
  EXPECT_EQ(config->env, (std::vector<std::string>{"B=2", "A=1"}));
  EXPECT_TRUE(config->entrypoint.empty());
  EXPECT_EQ(config->cmd, std::vector<std::string>{"one"});
  EXPECT_EQ(config->exposed_ports, (std::vector<std::string>{"443/tcp", "80/tcp"}));
  EXPECT_EQ(config->volumes, std::vector<std::string>{"/v"});
  EXPECT_EQ(config->labels.at("k"), "v");
  EXPECT_EQ(config->stop_signal, "SIGINT");
  EXPECT_EQ(config->diff_ids.size(), 1u);
  EXPECT_TRUE(config->history.at(0).empty_layer);
  EXPECT_TRUE(config->created);
}

TEST(ImageConfigTest, RefusesWrongTypes) {
  for (const auto* text : {R"({"config":1})", R"({"config":{"Env":{}}})", R"({"config":{"Env":[1]}})",
                           R"({"config":{"Labels":{"a":1}}})", R"({"rootfs":{"diff_ids":["x"]}})",
                           R"({"rootfs":[]})", R"({"history":{}})", R"({"os":5})"}) {
    EXPECT_EQ(parse_image_config(text).error().code(), ErrorCode::corrupted) << text;
  }
  EXPECT_TRUE(parse_image_config(R"({"created":"yesterday"})"));
}

TEST(DockerArchiveTest, ReadsTheListOfImages) {
  const auto images = parse_docker_archive_manifest(
      R"([{"Config":"c.json","RepoTags":["a:1","b:2"],"Layers":["l/layer.tar"]}])");
  ASSERT_TRUE(images);
  EXPECT_EQ(images->at(0).repo_tags.size(), 2u);
  for (const auto* text : {"{}", "[1]", "[{}]", R"([{"Config":"c","Layers":[1]}])"}) {
    EXPECT_FALSE(parse_docker_archive_manifest(text)) << text;
  }
}

}  // namespace
}  // namespace boxlite::oci
