// SPDX-License-Identifier: Apache-2.0
// An OCI image layout made from tars, for our builder and for umoci alike.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"
#include "disk/layer.h"

namespace boxlite::tests {

enum class Compression { plain, gzip, zstd };

std::string compress(const std::string& bytes, Compression compression);

class TestImage {
 public:
  // Writes the layout below `directory`, tag "latest".
  TestImage(const std::filesystem::path& directory, const std::vector<std::string>& tars,
            Compression compression = Compression::gzip);

  const std::vector<disk::LayerSource>& layers() const { return layers_; }
  const std::filesystem::path& directory() const { return directory_; }

 private:
  std::string add_blob(const std::string& bytes);

  std::filesystem::path directory_;
  std::vector<disk::LayerSource> layers_;
};

// Scratch space that is gone after the test; first every disk in it is checked.
class Scratch {
 public:
  Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();
  std::filesystem::path operator/(const std::string& name) const { return directory_.path() / name; }

 private:
  TempDir directory_;
};

// The exit code of a shell command; its output goes to `log`.
int run(const std::string& command, const std::filesystem::path& log);
std::string text_of(const std::filesystem::path& file);

}  // namespace boxlite::tests
