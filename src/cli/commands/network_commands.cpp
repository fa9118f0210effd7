// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands/commands.h"
#include "cli/options/port_options.h"
#include "cli/output/output.h"
#include "cli/terminal/descriptor.h"
#include "cli/terminal/end_signals.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage port_page{
    .usage = "boxlite port BOX [PORT[/tcp|udp]]",
    .sentence = "Lists the ports of this host that lead into a running box, or those of one port of it.",
    .example = "boxlite port web 80",
};
constexpr HelpPage publish_page{
    .usage = "boxlite network publish BOX [ADDRESS:][HOST_PORT:]BOX_PORT[/tcp|udp]",
    .sentence = "Lets a port of this host lead into a box, running or not, for good. Prints it.",
    .example = "boxlite network publish web 127.0.0.1:8080:80",
};
constexpr HelpPage unpublish_page{
    .usage = "boxlite network unpublish BOX [ADDRESS:][HOST_PORT:]BOX_PORT[/tcp|udp]",
    .sentence = "Takes it away again; its connections end.",
    .example = "boxlite network unpublish web 8080:80",
};

constexpr HelpPage capture_page{
    .usage = "boxlite network capture BOX FILE",
    .sentence =
        "Writes what passes the cable of a running box to a pcap file, or with - to standard output, until\n"
        "interrupted or until the box stops.",
    .example = "boxlite network capture web - | tcpdump -nr -",
};

// All of it; false when nobody takes it.
bool write_whole(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// BOX PORT...: each of the ports, until one fails.
Outcome for_each_port(Call& call, const Arguments& arguments,
                      const std::function<Result<void>(Box&, const PublishedPort&)>& change) {
  auto box = open_box(call.global, arguments.words[0]);
  if (!box) return std::unexpected(box.error());
  for (const auto& word : std::span(arguments.words).subspan(1)) {
    const auto ports = parse_publish(word);
    if (!ports) return std::unexpected(ports.error());
    for (const auto& port : *ports) {
      if (const auto changed = change(*box, port); !changed) return std::unexpected(changed.error());
    }
  }
  return exit_success;
}

}  // namespace

Outcome port_command(Call& call) {
  OptionSet options(port_page);
  const auto arguments = call.parse(options, {.least = 1, .most = 2, .wanted = "BOX"});
  if (!arguments) return std::unexpected(arguments.error());
  const auto box = open_box(call.global, arguments->words[0]);
  if (!box) return std::unexpected(box.error());
  const auto facts = box->info();
  if (!facts) return std::unexpected(facts.error());
  if (arguments->words.size() == 1) {
    for (const auto& port : facts->ports) print_line(port_text(port));
    return exit_success;
  }
  const auto wanted = parse_publish(arguments->words[1]);
  if (!wanted) return std::unexpected(wanted.error());
  bool was_found = false;
  for (const auto& port : facts->ports) {
    if (port.box_port != wanted->front().box_port || port.protocol != wanted->front().protocol) continue;
    const auto text = port_text(port);
    print_line(text.substr(0, text.find("->")));
    was_found = true;
  }
  if (was_found) return exit_success;
  return std::unexpected(Ending(
      exit_failure, fmt::format("no port of this host leads to port {} of the box", arguments->words[1])));
}

Outcome network_publish_command(Call& call) {
  OptionSet options(publish_page);
  const auto arguments = call.parse(options, {.least = 2, .most = any_number, .wanted = "BOX PORT"});
  if (!arguments) return std::unexpected(arguments.error());
  return for_each_port(call, *arguments, [](Box& box, const PublishedPort& port) -> Result<void> {
    const auto published = box.publish(port);
    if (!published) return std::unexpected(published.error());
    print_line(port_text(*published));
    return {};
  });
}

Outcome network_unpublish_command(Call& call) {
  OptionSet options(unpublish_page);
  const auto arguments = call.parse(options, {.least = 2, .most = any_number, .wanted = "BOX PORT"});
  if (!arguments) return std::unexpected(arguments.error());
  return for_each_port(call, *arguments,
                       [](Box& box, const PublishedPort& port) { return box.unpublish(port); });
}

Outcome network_capture_command(Call& call) {
  OptionSet options(capture_page);
  const auto arguments = call.parse(options, {.least = 2, .most = 2, .wanted = "BOX FILE"});
  if (!arguments) return std::unexpected(arguments.error());
  const auto box = open_box(call.global, arguments->words[0]);
  if (!box) return std::unexpected(box.error());
  const auto& path = arguments->words[1];
  const bool is_stdout = path == "-";
  Descriptor file(is_stdout ? -1 : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const int fd = is_stdout ? STDOUT_FILENO : file.get();
  if (fd < 0)
    return std::unexpected(Ending(exit_failure, fmt::format("open \"{}\": {}", path, std::strerror(errno))));
  // A packet is written whole, whenever the end comes.
  const auto end = EndSignals::start();
  if (!end) return std::unexpected(end.error());
  int os_error = 0;
  const auto captured = box->capture([&](std::string_view bytes) {
    if (!write_whole(fd, bytes)) {
      os_error = errno;
      return false;
    }
    return !(*end)->has_come();
  });
  if (!captured) return std::unexpected(captured.error());
  if (os_error == 0 || os_error == EPIPE) return exit_success;
  return std::unexpected(
      Ending(exit_failure, fmt::format("write \"{}\": {}", path, std::strerror(os_error))));
}

}  // namespace boxlite::cli
