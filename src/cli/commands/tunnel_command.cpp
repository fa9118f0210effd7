// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/commands/commands.h"
#include "cli/output/output.h"
#include "cli/terminal/pipe.h"
#include "cli/terminal/stream_relay.h"
#include "cli/tunnel/tunnel_forward.h"
#include "cli/tunnel/tunnel_listener.h"
#include "cli/tunnel/tunnel_options.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite network tunnel [OPTIONS] BOX PORT|PATH",
    .sentence =
        "Connects standard input and output to a port of a running box, or to a unix socket in it, until "
        "the\n"
        "service ends the connection. Nothing is published, and the box needs no network.\n"
        "With --listen each connection to an address of this host gets a tunnel of its own; the address is\n"
        "printed first, and an interrupt ends it.",
    .example = "boxlite network tunnel --listen 127.0.0.1:5432 db 5432",
};

// The reader of our stdout decides when there is enough, as with any filter: SIGPIPE is left alone.
Outcome carry_stdio(const Tunnel& tunnel) {
  auto stop = make_pipe();
  if (!stop) return std::unexpected(stop.error());
  std::jthread up([&] {
    if (relay(STDIN_FILENO, tunnel.fd(), stop->reader.get()) != RelayEnd::stopped)
      ::shutdown(tunnel.fd(), SHUT_WR);
  });
  const auto end = relay(tunnel.fd(), STDOUT_FILENO, stop->reader.get());
  const int os_error = errno;
  // The other direction may wait for input, or for the service to take some.
  stop->writer = Descriptor();
  ::shutdown(tunnel.fd(), SHUT_RDWR);
  up.join();
  if (end == RelayEnd::target_broke) {
    if (os_error == EPIPE) return 128 + SIGPIPE;
    return std::unexpected(
        Ending(exit_failure, fmt::format("write to standard output: {}", std::strerror(os_error))));
  }
  const auto how = tunnel.wait();
  if (!how) return std::unexpected(how.error());
  return exit_success;
}

Outcome listen_and_forward(const Box& box, const TunnelTarget& target, const ListenAddress& place) {
  const auto facts = box.info();
  if (!facts) return std::unexpected(facts.error());
  if (facts->status != BoxStatus::running) {
    return std::unexpected(Ending(exit_failure,
                                  fmt::format("open a tunnel to box {}: the box is not running", box.id()),
                                  fmt::format("boxlite start {}", box.id())));
  }
  const auto listener = TunnelListener::open(place);
  if (!listener) return std::unexpected(listener.error());
  print_line(listen_text(listener->place()));
  if (!finish_output()) return exit_failure;
  return forward(box, target, *listener);
}

}  // namespace

Outcome network_tunnel_command(Call& call) {
  std::optional<std::string> listen;
  OptionSet options(page);
  options.value(0, "listen", "[ADDRESS:]PORT|PATH",
                "Wait for connections there: port 0 is one that is free; a path is a unix socket",
                [&](std::string_view text) -> std::optional<std::string> {
                  listen = text;
                  return std::nullopt;
                });
  const auto arguments = call.parse(options, {.least = 2, .most = 2, .wanted = "BOX and PORT or PATH"});
  if (!arguments) return std::unexpected(arguments.error());
  const auto target = parse_tunnel_target(arguments->words[1]);
  if (!target) return std::unexpected(target.error());
  Parsed<ListenAddress> place;
  if (listen) place = parse_listen_address(*listen);
  if (!place) return std::unexpected(place.error());
  auto box = open_box(call.global, arguments->words[0]);
  if (!box) return std::unexpected(box.error());
  if (listen) return listen_and_forward(*box, *target, *place);
  const auto tunnel = box->open_tunnel(*target);
  if (!tunnel) return std::unexpected(tunnel.error());
  return carry_stdio(*tunnel);
}

}  // namespace boxlite::cli
