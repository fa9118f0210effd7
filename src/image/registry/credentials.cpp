// SPDX-License-Identifier: Apache-2.0
#include "image/registry/credentials.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include <fcntl.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "linux/process/child_process.h"
#include "oci/reference.h"

extern char** environ;

namespace boxlite::image {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view docker_hub_server = "https://index.docker.io/v1/";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// The files name servers in many ways: "https://host/v1/", "host", "host/team".
std::string plain_server(std::string_view server) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (server.starts_with(scheme)) server.remove_prefix(scheme.size());
  }
  while (server.ends_with('/')) server.remove_suffix(1);
  for (const std::string_view version : {"/v1", "/v2"}) {
    if (server.ends_with(version)) server.remove_suffix(version.size());
  }
  const auto slash = std::min(server.find('/'), server.size());
  const auto host = server.substr(0, slash);
  const bool is_hub = host == "index.docker.io" || host == "registry-1.docker.io";
  return concat(is_hub ? oci::default_registry : host, server.substr(slash));
}

// "reg/a/b", "reg/a", "reg": the most exact entry wins.
template <typename Value>
const Value* find_server(const std::map<std::string, Value>& entries, std::string_view registry,
                         std::string_view repository) {
  auto wanted = concat(registry, "/", repository);
  while (true) {
    for (const auto& [server, value] : entries) {
      if (plain_server(server) == wanted) return &value;
    }
    if (wanted.size() <= registry.size()) return nullptr;
    wanted.resize(wanted.rfind('/'));
  }
}

bool is_program_suffix(std::string_view text) {
  return !text.empty() && text.find('/') == std::string_view::npos;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> result;
  for (char** entry = environ; entry && *entry; ++entry) result.emplace_back(*entry);
  return result;
}

// A pipe that holds `text` and then ends; small enough for the kernel's buffer.
Result<UniqueFd> pipe_with(std::string_view text) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(syscall_error("pipe2", "credential helper", errno));
  UniqueFd reading(ends[0]);
  const UniqueFd writing(ends[1]);
  BOXLITE_TRY(write_all(writing.get(), text, "credential helper"));
  return reading;
}

Result<Credentials> ask_helper(const std::string& suffix, std::string_view registry) {
  if (!is_program_suffix(suffix))
    return fail(ErrorCode::invalid_argument, "the helper's name is not a plain word");
  const auto program = BOXLITE_TRY(linux_::find_program(concat("docker-credential-", suffix)));
  const auto input = BOXLITE_TRY(pipe_with(registry == oci::default_registry ? docker_hub_server : registry));
  linux_::ChildSpec spec{.program = program, .arguments = {"get"}, .environment = own_environment()};
  spec.fds.push_back({input.get(), 0});
  spec.group = linux_::ProcessGroup::own;
  const auto run = BOXLITE_TRY(
      linux_::run_and_capture(std::move(spec), Deadline::after(std::chrono::seconds(30)), 1u << 20));
  if (run.end.exit_code != 0 || run.end.signal != 0) {
    // The protocol's way to say "nothing stored".
    if (run.output.find("credentials not found") != std::string::npos) return Credentials{};
    return fail(ErrorCode::permission_denied, concat("it ended with ", linux_::to_string(run.end)));
  }
  // Some helpers chat on stderr around the answer.
  const auto first = run.output.find('{');
  const auto last = run.output.rfind('}');
  if (first == std::string::npos || last == std::string::npos || last < first) {
    return fail(ErrorCode::corrupted, "it printed no answer");
  }
  return parse_helper_answer(std::string_view(run.output).substr(first, last - first + 1));
}

CredentialSearch search_file(const fs::path& path, std::string_view registry, std::string_view repository) {
  const auto text = read_file(path, 1u << 20);
  if (!text) {
    if (text.error().os_error() == ENOENT || text.error().os_error() == ENOTDIR) return {};
    return {{}, text.error().message()};
  }
  const auto file = parse_credential_file(*text);
  if (!file) return {{}, concat(in_quotes(path.native()), ": ", file.error().message())};
  const auto* own_helper = find_server(file->helpers, registry, repository);
  const auto& helper = own_helper ? *own_helper : file->default_helper;
  CredentialSearch result;
  if (!helper.empty()) {
    auto answer = ask_helper(helper, registry);
    if (answer && !answer->is_empty()) return {*std::move(answer), {}};
    if (!answer) {
      result.problem = concat("credential helper ", in_quotes(helper), " of ", in_quotes(path.native()), ": ",
                              answer.error().message());
    }
  }
  if (const auto* stored = find_server(file->auths, registry, repository)) result.credentials = *stored;
  return result;
}

}  // namespace

std::vector<fs::path> default_credential_files() {
  std::vector<fs::path> files;
  if (const auto directory = environment("DOCKER_CONFIG"); !directory.empty()) {
    files.push_back(fs::path(directory) / "config.json");
  } else if (const auto home = environment("HOME"); !home.empty()) {
    files.push_back(fs::path(home) / ".docker/config.json");
  }
  if (const auto file = environment("REGISTRY_AUTH_FILE"); !file.empty()) {
    files.emplace_back(file);
  } else if (const auto run = environment("XDG_RUNTIME_DIR"); !run.empty()) {
    files.push_back(fs::path(run) / "containers/auth.json");
  }
  return files;
}

CredentialSearch find_credentials(const std::vector<fs::path>& files, std::string_view registry,
                                  std::string_view repository) {
  CredentialSearch result;
  for (const auto& file : files) {
    auto found = search_file(file, registry, repository);
    if (!found.credentials.is_empty()) return found;
    if (result.problem.empty()) result.problem = std::move(found.problem);
  }
  return result;
}

}  // namespace boxlite::image
