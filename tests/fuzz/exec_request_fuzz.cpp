// SPDX-License-Identifier: Apache-2.0
// links: agent
// What the agent makes of a request and of the files of an image: the input is an ExecRequest, or, after a
// first byte of 'p', a user, a passwd file and a group file with bytes of 0 between them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/container/accounts.h"
#include "agent/exec/launch_plan.h"
#include "agent/exec/program_search.h"
#include "wire/method.h"

using namespace boxlite;

namespace {

void resolve(std::string_view text) {
  const auto take = [&] {
    const auto piece = text.substr(0, text.find('\0'));
    text.remove_prefix(std::min(text.size(), piece.size() + 1));
    return piece;
  };
  const auto user = take();
  const auto passwd = take();
  const auto account = agent::resolve_user(user, passwd, text);
  if (!account) return;
  if (account->uid > 0x7fffffff || account->gid > 0x7fffffff || account->groups.size() > 65536) std::abort();
}

void plan(std::string_view bytes) {
  const auto envelope = wire::parse<wire::msg::Request>(bytes);
  const auto request = wire::parse<wire::msg::ExecRequest>(envelope ? envelope->payload() : bytes);
  if (!request) return;
  const auto env = agent::merge_env({"PATH=/bin"}, {request->env().begin(), request->env().end()});
  for (const auto& entry : env) {
    if (entry.find('=') == std::string::npos) std::abort();
  }
  for (const auto& arg : request->args()) {
    (void)agent::program_candidates(arg, request->working_dir());
    (void)agent::interpreter_of(arg);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)agent::interpreter_of(bytes);
  if (bytes.starts_with('p')) {
    resolve(bytes.substr(1));
  } else {
    plan(bytes);
  }
  return 0;
}
