// SPDX-License-Identifier: Apache-2.0
#include "thaw/failure.h"

#include <asm/errno.h>
#include <asm/unistd.h>

#include "freeze/process_image.h"
#include "thaw/system_calls.h"

namespace boxlite::thaw {
namespace {

void say(const char* text) {
  std::uint64_t length = 0;
  while (text[length] != 0) ++length;
  system_call(__NR_write, 2, address_of(text), length);
}

bool is_shortage(long result) {
  return result == -ENOMEM || result == -EAGAIN || result == -EMFILE || result == -ENFILE;
}

}  // namespace

void give_up(const char* what, long result) {
  char number[8] = {};
  char* at = number + sizeof number - 1;
  for (auto rest = result < 0 ? -result : result; at > number && (rest != 0 || *at == 0); rest /= 10)
    *--at = static_cast<char>('0' + rest % 10);
  say("boxlite-thaw: ");
  say(what);
  say(": error ");
  say(at);
  say("\n");
  const auto code = is_shortage(result) ? freeze::lacks_resources : freeze::cannot_thaw;
  while (true) system_call(__NR_exit_group, static_cast<std::uint64_t>(code));
}

std::uint64_t must(const char* what, long result) {
  if (result < 0 && result >= -4095) give_up(what, result);
  return static_cast<std::uint64_t>(result);
}

}  // namespace boxlite::thaw
