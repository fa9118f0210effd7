// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <system_error>

#include <boxlite/signal.hpp>

namespace boxlite {

namespace {

constexpr int first_realtime = 34;

struct NamedSignal {
  std::string_view name;
  int number;
};
// The first of several names for one number is the one that is shown.
constexpr std::array named{
    NamedSignal{"HUP", 1},     NamedSignal{"INT", 2},    NamedSignal{"QUIT", 3},   NamedSignal{"ILL", 4},
    NamedSignal{"TRAP", 5},    NamedSignal{"ABRT", 6},   NamedSignal{"IOT", 6},    NamedSignal{"BUS", 7},
    NamedSignal{"FPE", 8},     NamedSignal{"KILL", 9},   NamedSignal{"USR1", 10},  NamedSignal{"SEGV", 11},
    NamedSignal{"USR2", 12},   NamedSignal{"PIPE", 13},  NamedSignal{"ALRM", 14},  NamedSignal{"TERM", 15},
    NamedSignal{"STKFLT", 16}, NamedSignal{"CHLD", 17},  NamedSignal{"CLD", 17},   NamedSignal{"CONT", 18},
    NamedSignal{"STOP", 19},   NamedSignal{"TSTP", 20},  NamedSignal{"TTIN", 21},  NamedSignal{"TTOU", 22},
    NamedSignal{"URG", 23},    NamedSignal{"XCPU", 24},  NamedSignal{"XFSZ", 25},  NamedSignal{"VTALRM", 26},
    NamedSignal{"PROF", 27},   NamedSignal{"WINCH", 28}, NamedSignal{"IO", 29},    NamedSignal{"POLL", 29},
    NamedSignal{"PWR", 30},    NamedSignal{"SYS", 31},   NamedSignal{"RTMIN", 34}, NamedSignal{"RTMAX", 64}};

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<int> parse_signal(std::string_view text) {
  if (const auto number = whole_number(text)) {
    return *number >= 1 && *number <= last_signal ? number : std::nullopt;
  }
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  std::string_view name = upper;
  if (name.starts_with("SIG")) name.remove_prefix(3);
  const auto sign = name.find_first_of("+-");
  const auto* const found = std::ranges::find(named, name.substr(0, sign), &NamedSignal::name);
  if (found == named.end()) return std::nullopt;
  if (sign == std::string_view::npos) return found->number;
  const auto distance = whole_number(name.substr(sign + 1));
  const bool is_realtime = found->number >= first_realtime;
  if (!is_realtime || !distance || *distance < 0 || *distance > last_signal) return std::nullopt;
  const int number = name[sign] == '+' ? found->number + *distance : found->number - *distance;
  if (number < first_realtime || number > last_signal) return std::nullopt;
  return number;
}

std::string signal_name(int signal) {
  const auto* const found = std::ranges::find(named, signal, &NamedSignal::number);
  return found == named.end() ? std::to_string(signal) : std::string(found->name);
}

}  // namespace boxlite
