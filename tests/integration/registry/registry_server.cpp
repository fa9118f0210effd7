// SPDX-License-Identifier: Apache-2.0
#include "registry_server.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/concat.h"

extern char** environ;

namespace boxlite::test {
namespace {

std::vector<std::string> own_environment() {
  std::vector<std::string> result;
  for (char** entry = environ; *entry; ++entry) result.emplace_back(*entry);
  return result;
}

// The log says which port the kernel chose.
int wait_for_port(int log_fd) {
  constexpr std::string_view mark = "listening on 127.0.0.1:";
  std::string log;
  const auto deadline = Deadline::after(std::chrono::seconds(30));
  while (!deadline.has_passed()) {
    if (const auto at = log.find(mark); at != std::string::npos) {
      const auto digits = log.substr(at + mark.size(), 12);
      if (digits.find_first_not_of("0123456789") != std::string::npos) return std::atoi(digits.c_str());
    }
    pollfd one{log_fd, POLLIN, 0};
    if (::poll(&one, 1, deadline.poll_timeout_ms()) <= 0) break;
    char buffer[4096];
    const auto count = ::read(log_fd, buffer, sizeof buffer);
    if (count <= 0) break;
    log.append(buffer, static_cast<std::size_t>(count));
  }
  throw std::runtime_error(concat("docker-registry did not start: ", log));
}

}  // namespace

RegistryServer::RegistryServer(const std::filesystem::path& directory, const std::string& auth_yaml)
    : directory_(directory) {
  std::filesystem::create_directories(directory / "storage");
  std::ofstream(directory / "config.yml")
      << "version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: "
      << (directory / "storage").native() << "\nhttp:\n  addr: 127.0.0.1:0\n"
      << auth_yaml;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  log_.reset(ends[0]);
  UniqueFd log_writer(ends[1]);
  linux_::ChildSpec spec{.program = linux_::find_program("docker-registry").value(),
                         .arguments = {"serve", (directory / "config.yml").native()},
                         .environment = own_environment()};
  spec.fds = {{log_writer.get(), 1}, {log_writer.get(), 2}};
  spec.die_with_parent = true;
  process_.emplace(linux_::ChildProcess::spawn(spec).value());
  log_writer.reset();
  port_ = wait_for_port(log_.get());
  // It logs every request; a full or closed pipe would stop it.
  drain_ = std::thread([fd = log_.get()] {
    char buffer[4096];
    while (::read(fd, buffer, sizeof buffer) > 0) {
    }
  });
}

RegistryServer::~RegistryServer() {
  process_.reset();
  drain_.join();
}

std::string RegistryServer::address() const {
  return concat("127.0.0.1:", port_);
}

std::filesystem::path RegistryServer::blob_file(const std::string& hex) const {
  return directory_ / "storage/docker/registry/v2/blobs/sha256" / hex.substr(0, 2) / hex / "data";
}

std::string run(const std::string& program, const std::vector<std::string>& arguments) {
  linux_::ChildSpec spec{.program = linux_::find_program(program).value(),
                         .arguments = arguments,
                         .environment = own_environment()};
  const auto result =
      linux_::run_and_capture(std::move(spec), Deadline::after(std::chrono::seconds(60))).value();
  if (result.end.exit_code != 0 || result.end.signal != 0)
    throw std::runtime_error(concat(program, ": ", result.output));
  return result.output;
}

void push(const std::filesystem::path& layout, const std::string& name, const std::string& target,
          const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"--insecure-policy", "copy", "-q", "--dest-tls-verify=false"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  arguments.push_back(concat("oci:", layout.native(), ":", name));
  arguments.push_back(concat("docker://", target));
  run("skopeo", arguments);
}

}  // namespace boxlite::test
