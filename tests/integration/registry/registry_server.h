// SPDX-License-Identifier: Apache-2.0
// Debian's docker-registry on a loopback port, and skopeo to fill it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/files.h"
#include "linux/process/child_process.h"

namespace boxlite::test {

class RegistryServer {
 public:
  // `auth_yaml`: the "auth:" part of its configuration, or nothing. Throws when it does not come up.
  explicit RegistryServer(const std::filesystem::path& directory, const std::string& auth_yaml = {});
  RegistryServer(const RegistryServer&) = delete;
  RegistryServer& operator=(const RegistryServer&) = delete;
  ~RegistryServer();

  int port() const { return port_; }
  std::string address() const;
  // The file in which it keeps a blob.
  std::filesystem::path blob_file(const std::string& hex) const;

 private:
  std::filesystem::path directory_;
  std::optional<linux_::ChildProcess> process_;
  UniqueFd log_;
  std::thread drain_;
  int port_ = 0;
};

// Output of a program from PATH; throws when it fails.
std::string run(const std::string& program, const std::vector<std::string>& arguments);

// Puts the image `name` of an OCI layout directory into a registry as `target` ("host:port/repo:tag").
void push(const std::filesystem::path& layout, const std::string& name, const std::string& target,
          const std::vector<std::string>& more = {});

}  // namespace boxlite::test
