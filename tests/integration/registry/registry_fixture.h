// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/ids.h"
#include "image/image_store.h"
#include "image/sample_image_test.h"
#include "registry_server.h"

namespace boxlite::test {

namespace sample = image::sample;

// Scratch directories, sample images and stores. The network beyond loopback is a closed door, so that no
// test depends on it.
class RegistryFixture : public testing::Test {
 protected:
  RegistryFixture() : dir_(*TempDir::create(std::filesystem::temp_directory_path(), "boxlite-registry-")) {
    for (const char* name :
         {"https_proxy", "http_proxy", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "all_proxy"}) {
      ::setenv(name, "http://127.0.0.1:1", 1);
    }
    ::setenv("HOME", dir_.path().c_str(), 1);
    ::unsetenv("DOCKER_CONFIG");
    ::unsetenv("XDG_RUNTIME_DIR");
    ::unsetenv("REGISTRY_AUTH_FILE");
  }

  std::filesystem::path path(const std::string& name) const { return dir_.path() / name; }

  // An image with a layer that does not compress, of `bytes`.
  static sample::SampleImage big_image(std::size_t bytes = 3u << 20) {
    return sample::image({sample::layer({{"etc/name", "sample"}}, sample::Compression::gzip),
                          sample::layer({{"big", random_bytes(bytes)}}, sample::Compression::gzip)});
  }
  std::filesystem::path layout(const sample::SampleImage& image) const {
    const auto directory = path(concat("layout-", new_id()));
    sample::write_files(directory, sample::layout({{image, "it"}}));
    return directory;
  }

  static image::RegistryConfig registry(const std::string& host) { return {.host = host}; }
  image::ImageStore store(std::vector<image::RegistryConfig> registries = {},
                          const std::string& name = "images") const {
    image::StoreOptions options;
    options.network.registries = std::move(registries);
    options.network.retry.first_pause = std::chrono::milliseconds(5);
    options.network.http.stall_timeout = std::chrono::seconds(10);
    return image::ImageStore::open(path(name), std::move(options)).value();
  }

  TempDir dir_;
};

}  // namespace boxlite::test
