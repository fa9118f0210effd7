// SPDX-License-Identifier: Apache-2.0
#include "test_image.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <sys/wait.h>
#include <zlib.h>
#include <zstd.h>

#include "base/concat.h"
#include "support/disk_check.h"

namespace boxlite::tests {
namespace {

void write_text(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string gzip(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  std::string in = bytes;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

std::string compress(const std::string& bytes, Compression compression) {
  if (compression == Compression::plain) return bytes;
  if (compression == Compression::gzip) return gzip(bytes);
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

TestImage::TestImage(const std::filesystem::path& directory, const std::vector<std::string>& tars,
                     Compression compression)
    : directory_(directory) {
  std::string diff_ids;
  std::string layers;
  const char* const comma[] = {"", ","};
  for (const std::string& tar : tars) {
    const std::string blob = compress(tar, compression);
    const std::string hex = add_blob(blob);
    const auto diff_id = oci::Digest::of(tar);
    diff_ids += concat(comma[!diff_ids.empty()], "\"", diff_id.str(), "\"");
    layers +=
        concat(comma[!layers.empty()],
               "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"sha256:", hex,
               "\",\"size\":", blob.size(), "}");
    layers_.push_back({directory_ / "blobs/sha256" / hex, diff_id});
  }
  const std::string config =
      concat("{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
             diff_ids, "]}}");
  const std::string manifest = concat(
      "{\"schemaVersion\":2,\"mediaType\":\"application/"
      "vnd.oci.image.manifest.v1+json\",\"config\":{\"mediaType\":"
      "\"application/vnd.oci.image.config.v1+json\",\"digest\":\"sha256:",
      add_blob(config), "\",\"size\":", config.size(), "},\"layers\":[", layers, "]}");
  const std::string manifest_hex = add_blob(manifest);
  write_text(directory_ / "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
  write_text(
      directory_ / "index.json",
      concat(
          "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
          "\"digest\":\"sha256:",
          manifest_hex, "\",\"size\":", manifest.size(),
          ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"latest\"}}]}"));
}

std::string TestImage::add_blob(const std::string& bytes) {
  std::string hex = oci::Digest::of(bytes).hex();
  write_text(directory_ / "blobs/sha256" / hex, bytes);
  return hex;
}

Scratch::Scratch()
    : directory_([] {
        auto made = TempDir::create(std::filesystem::temp_directory_path(), "boxlite-layers-");
        if (!made) throw std::runtime_error(made.error().message());
        return *std::move(made);
      }()) {}

Scratch::~Scratch() {
  test::expect_clean_disks(directory_.path());
}

int run(const std::string& command, const std::filesystem::path& log) {
  const int status = std::system(concat(command, " >>'", log.native(), "' 2>&1").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream out;
  out << std::ifstream(file, std::ios::binary).rdbuf();
  return out.str();
}

}  // namespace boxlite::tests
