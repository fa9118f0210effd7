// SPDX-License-Identifier: Apache-2.0
// A program for boxes: a service for tests of tunnels, statically linked, since the image has no library.
//   box_service MODE PLACE    PLACE is a port of 127.0.0.1, "6:PORT" of ::1, or a path of a unix socket
// Says "ready" when it listens. MODE is what it does with each connection, in a process of its own:
//   echo    what comes goes back as it comes      gather  all of it goes back once its end has come
//   flood   writes for ever                       deaf    reads nothing
//   mute    ends its side at once, then counts what comes and writes the number to /tmp/count
//   call    no service: connects to PLACE, says what is on standard input and ends, and prints what it is
//   told
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

void check(bool is_good, const char* what) {
  if (is_good) return;
  std::perror(what);
  std::exit(1);
}

template <typename Address>
int bound(int family, const Address& address) {
  const int fd = ::socket(family, SOCK_STREAM, 0);
  const int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  check(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
  check(::listen(fd, 64) == 0, "listen");
  return fd;
}

in_port_t port_of(const char* text) {
  return htons(static_cast<in_port_t>(std::strtoul(text, nullptr, 10)));
}

int listen_at(const char* place) {
  if (place[0] == '/') {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, place, sizeof address.sun_path - 1);
    return bound(AF_UNIX, address);
  }
  if (std::strncmp(place, "6:", 2) == 0) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = port_of(place + 2);
    address.sin6_addr = IN6ADDR_LOOPBACK_INIT;
    return bound(AF_INET6, address);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = port_of(place);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return bound(AF_INET, address);
}

void send_all(int fd, const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const auto count = ::send(fd, bytes.data() + sent, bytes.size() - sent, 0);
    check(count > 0, "send");
    sent += static_cast<std::size_t>(count);
  }
}

std::string receive(int fd) {
  std::string bytes(64u << 10, '\0');
  const auto count = ::recv(fd, bytes.data(), bytes.size(), 0);
  check(count >= 0, "recv");
  bytes.resize(static_cast<std::size_t>(count));
  return bytes;
}

void serve(const std::string& mode, int fd) {
  if (mode == "echo") {
    for (auto bytes = receive(fd); !bytes.empty(); bytes = receive(fd)) send_all(fd, bytes);
  } else if (mode == "gather") {
    std::string all;
    for (auto bytes = receive(fd); !bytes.empty(); bytes = receive(fd)) all += bytes;
    send_all(fd, all);
  } else if (mode == "flood") {
    while (true) send_all(fd, std::string(64u << 10, 'f'));
  } else if (mode == "deaf") {
    while (true) ::pause();
  } else if (mode == "mute") {
    ::shutdown(fd, SHUT_WR);
    std::size_t total = 0;
    for (auto bytes = receive(fd); !bytes.empty(); bytes = receive(fd)) total += bytes.size();
    std::FILE* const file = std::fopen("/tmp/count.new", "w");
    std::fprintf(file, "%zu\n", total);
    std::fclose(file);
    std::rename("/tmp/count.new", "/tmp/count");
  }
}

int connect_to(const char* place) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, place, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  check(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
  return fd;
}

int call(const char* place) {
  const int fd = connect_to(place);
  if (::fork() == 0) {
    std::string piece(64u << 10, '\0');
    for (auto count = ::read(0, piece.data(), piece.size()); count > 0;
         count = ::read(0, piece.data(), piece.size()))
      send_all(fd, piece.substr(0, static_cast<std::size_t>(count)));
    ::shutdown(fd, SHUT_WR);
    std::_Exit(0);
  }
  for (auto bytes = receive(fd); !bytes.empty(); bytes = receive(fd)) {
    for (std::size_t done = 0; done < bytes.size();) {
      const auto count = ::write(1, bytes.data() + done, bytes.size() - done);
      check(count > 0, "write");
      done += static_cast<std::size_t>(count);
    }
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  if (std::strcmp(words[1], "call") == 0) return call(words[2]);
  const int listener = listen_at(words[2]);
  std::signal(SIGCHLD, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  std::puts("ready");
  std::fflush(stdout);
  while (true) {
    const int fd = ::accept(listener, nullptr, nullptr);
    if (fd < 0) continue;
    if (::fork() == 0) {
      ::close(listener);
      serve(words[1], fd);
      std::_Exit(0);
    }
    ::close(fd);
  }
}
