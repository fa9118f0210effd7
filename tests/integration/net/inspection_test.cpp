// SPDX-License-Identifier: Apache-2.0
// The inspection between foreign programs: curl asks, nginx answers (HTTP/1.1 and HTTP/2) and hands on to a
// server that writes down what it got. All on the loopback.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/concat.h"
#include "base/files.h"
#include "linux/sockets/unix_socket.h"
#include "net/inspection/inspector.h"
#include "support/program.h"

namespace boxlite::net {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view value = "s3cr3t-value-of-the-owner";
constexpr std::string_view placeholder = "<BOXLITE_SECRET:key>";

std::uint16_t port_of(int socket_fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  EXPECT_EQ(::getsockname(socket_fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

UniqueFd listen_on_loopback() {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(listener.get(), 64), 0);
  return listener;
}

// A port that was free a moment ago.
std::uint16_t free_port() {
  return port_of(listen_on_loopback().get());
}

bool accepts_connections(std::uint16_t port) {
  TcpDialer dialer;
  const auto socket = dialer.dial({.destination = *netpolicy::IpAddress::parse("127.0.0.1"), .port = port});
  pollfd entry{socket ? socket->get() : -1, POLLOUT, 0};
  return socket && ::poll(&entry, 1, 1000) == 1 && (entry.revents & POLLERR) == 0;
}

// Every name leads to one port of this machine.
class PortDialer : public Dialer {
 public:
  Result<UniqueFd> dial(const netpolicy::Flow& flow) override {
    auto local = flow;
    local.destination = *netpolicy::IpAddress::parse("127.0.0.1");
    local.port = port;
    return tcp_.dial(local);
  }
  std::atomic<std::uint16_t> port = 0;

 private:
  TcpDialer tcp_;
};

class OpenJudge : public NameJudge {
 public:
  netpolicy::Verdict decide(const netpolicy::Flow&) override { return {netpolicy::Decision::allow, {}, {}}; }
  netpolicy::Verdict decide_named(const netpolicy::Flow&, std::string_view) override {
    return {netpolicy::Decision::allow, {}, {}};
  }
  void ask(const netpolicy::Flow&, std::string_view,
           std::move_only_function<void(netpolicy::Verdict)>) override {}
  void record(netpolicy::AuditRecord) override {}
};

// What stands between the box and the world, on a thread of its own.
class InspectionThread {
 public:
  explicit InspectionThread(const std::filesystem::path& directory) {
    std::vector<netpolicy::Secret> secrets;
    secrets.push_back(*netpolicy::Secret::create({"key", {"api.test"}, ""}, netpolicy::SecretValue(value)));
    interception_ = *Interception::create(*netpolicy::SecretSet::create(std::move(secrets)),
                                          {directory / "ca.pem", *read_file(directory / "world.pem")});
    EXPECT_TRUE(write_file_atomic(directory / "box.pem", interception_->certificate_pem()));
    inspector_.emplace(*loop_, dialer, judge_, interception_.get());
    watch_ = *loop_->watch(listener_.get(), true, false, [this](auto) { accept(); });
    thread_ = std::thread([this] { EXPECT_TRUE(loop_->run()); });
  }
  ~InspectionThread() {
    loop_->stop();
    thread_.join();
  }
  std::uint16_t port() const { return port_of(listener_.get()); }

  PortDialer dialer;

 private:
  void accept() {
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.is_open()) return;
    inspector_->take(std::move(socket), {.destination = *netpolicy::IpAddress::parse("93.184.216.34"),
                                         .port = 443,
                                         .names = {"api.test", "other.test"}});
  }

  UniqueFd listener_ = listen_on_loopback();
  std::unique_ptr<linux_::EventLoop> loop_ = *linux_::EventLoop::create();
  OpenJudge judge_;
  std::unique_ptr<Interception> interception_;
  std::optional<Inspector> inspector_;
  linux_::EventLoop::Watch watch_;
  std::thread thread_;
};

class InspectionTest : public ::testing::Test {
 protected:
  InspectionTest() {
    make_world();
    inspection_.emplace(directory());
    recorder_.emplace(
        test::ProgramOptions{.words = {"/usr/bin/python3", RECORDER, (directory() / "record").native()},
                             .environment = {},
                             .stdin_bytes = {}});
    EXPECT_TRUE(recorder_->wait_for_output("\n", 20s));
    start_nginx(recorder_->out().substr(0, recorder_->out().find('\n')));
  }
  ~InspectionTest() override {
    if (nginx_) nginx_->send_signal(SIGTERM);
  }

  std::filesystem::path directory() const { return dir_.path(); }

  test::ProgramResult curl(std::vector<std::string> words) const {
    std::vector<std::string> all = {"/usr/bin/curl",
                                    "--silent",
                                    "--show-error",
                                    "--max-time",
                                    "30",
                                    "--noproxy",
                                    "*",
                                    "--connect-to",
                                    concat("::127.0.0.1:", inspection_->port()),
                                    "--cacert",
                                    (directory() / "box.pem").native()};
    all.insert(all.end(), words.begin(), words.end());
    return test::run_program({.words = all, .environment = {}, .stdin_bytes = {}});
  }
  // What the server got, all requests.
  std::string record() const { return read_file(directory() / "record").value_or(""); }

  std::optional<InspectionThread> inspection_;

 private:
  void make_world() const {
    const auto authority = *CertificateAuthority::create(now());
    const auto key = *make_key();
    std::string chain;
    for (const char* host : {"api.test", "other.test"}) {
      const BioPtr bio(BIO_new(BIO_s_mem()));
      const auto certificate = *authority.sign(host, key.get(), now());
      PEM_write_bio_X509(bio.get(), certificate.get());
      PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
      char* text = nullptr;
      const auto size = BIO_get_mem_data(bio.get(), &text);
      EXPECT_TRUE(
          write_file_atomic(directory() / concat(host, ".pem"), {text, static_cast<std::size_t>(size)}));
    }
    EXPECT_TRUE(write_file_atomic(directory() / "world.pem", authority.certificate_pem()));
  }

  void start_nginx(const std::string& backend) {
    const auto port = free_port();
    const auto place = directory().native();
    std::string config =
        concat("daemon off; master_process off; pid ", place, "/nginx.pid; error_log stderr;\n",
               "events { }\nhttp {\n access_log off; client_max_body_size 100m;\n client_body_temp_path ",
               place, "/b; proxy_temp_path ", place, "/p; fastcgi_temp_path ", place, "/f; uwsgi_temp_path ",
               place, "/u; scgi_temp_path ", place, "/s;\n");
    for (const char* host : {"api.test", "other.test"}) {
      config += concat(" server { listen 127.0.0.1:", port, " ssl http2; server_name ", host,
                       ";\n  ssl_certificate ", place, "/", host, ".pem; ssl_certificate_key ", place, "/",
                       host, ".pem;\n", "  location / { proxy_pass http://127.0.0.1:", backend,
                       "; proxy_http_version 1.1; proxy_request_buffering off; }\n }\n");
    }
    EXPECT_TRUE(write_file_atomic(directory() / "nginx.conf", config + "}\n"));
    nginx_.emplace(test::ProgramOptions{.words = {"/usr/sbin/nginx", "-e", "stderr", "-p", place, "-c",
                                                  (directory() / "nginx.conf").native()},
                                        .environment = {},
                                        .stdin_bytes = {}});
    inspection_->dialer.port = port;
    const auto deadline = Deadline::after(20s);
    while (!accepts_connections(port) && !deadline.has_passed()) std::this_thread::yield();
    EXPECT_TRUE(accepts_connections(port));
  }

  TempDir dir_ = *TempDir::create("/tmp", "inspection-test-");
  std::optional<test::Program> recorder_;
  std::optional<test::Program> nginx_;
};

class WithEachHttp : public InspectionTest, public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Http, WithEachHttp, ::testing::Values("--http1.1", "--http2"),
                         [](const auto& one) { return one.param == std::string("--http2") ? "Two" : "One"; });

TEST_P(WithEachHttp, AHeaderCarriesTheValue) {
  const auto result =
      curl({GetParam(), "-i", "-H", concat("Authorization: Bearer ", placeholder), "https://api.test/x"});
  EXPECT_EQ(result.code(), 0) << result.err;
  EXPECT_NE(record().find(concat("Bearer ", value)), std::string::npos) << record();
  EXPECT_TRUE(result.out.starts_with(GetParam() == std::string("--http2") ? "HTTP/2 200" : "HTTP/1.1 200"))
      << result.out;
  EXPECT_EQ(result.out.find(value), std::string::npos) << result.out;
  EXPECT_NE(result.out.find(concat("Bearer ", placeholder)), std::string::npos) << result.out;
}

TEST_P(WithEachHttp, BasicCredentialsCarryTheValue) {
  const auto result = curl({GetParam(), "-u", concat("user:", placeholder), "https://api.test/"});
  EXPECT_EQ(result.code(), 0) << result.err;
  // user:s3cr3t-value-of-the-owner
  EXPECT_NE(record().find("Basic dXNlcjpzM2NyM3QtdmFsdWUtb2YtdGhlLW93bmVy"), std::string::npos) << record();
}

TEST_P(WithEachHttp, BodiesOfAllSizesCarryTheValue) {
  for (const std::size_t filler : {0u, 1000u, 70'000u, 3'000'000u}) {
    const auto file = directory() / "body";
    ASSERT_TRUE(write_file_atomic(file, concat(placeholder, std::string(filler, 'x'), placeholder)));
    std::filesystem::remove(directory() / "record");
    const auto result = curl({GetParam(), "-H", "Content-Type: text/plain", "--data-binary",
                              concat("@", file.native()), "https://api.test/chunked"});
    EXPECT_EQ(result.code(), 0) << result.err;
    EXPECT_NE(record().find(concat("\"body\": \"", value, std::string(filler, 'x'), value, "\"")),
              std::string::npos)
        << filler;
    EXPECT_NE(result.out.find(concat(placeholder, std::string(filler, 'x'), placeholder)), std::string::npos)
        << filler;
    EXPECT_EQ(result.out.find(value), std::string::npos) << filler;
  }
}

TEST_P(WithEachHttp, ManyRequestsShareAConnection) {
  std::vector<std::string> words = {GetParam(), "-Z", "--parallel-max",
                                    "8",        "-H", concat("X-Key: ", placeholder)};
  for (int i = 0; i < 40; ++i) words.push_back(concat("https://api.test/", i));
  const auto result = curl(words);
  EXPECT_EQ(result.code(), 0) << result.err;
  const auto seen = record();
  EXPECT_EQ(std::ranges::count(seen, '\n'), 40);
  EXPECT_EQ(seen.find(placeholder), std::string::npos);
}

TEST_F(InspectionTest, AnotherHostGetsThePlaceholderByItsOwnTls) {
  const auto untrusted = curl({"-H", concat("X-Key: ", placeholder), "https://other.test/"});
  EXPECT_EQ(untrusted.code(), 60) << untrusted.err;  // the world's certificate, not ours
  const auto result = curl({"--cacert", (directory() / "world.pem").native(), "-H",
                            concat("X-Key: ", placeholder), "https://other.test/"});
  EXPECT_EQ(result.code(), 0) << result.err;
  EXPECT_NE(record().find(placeholder), std::string::npos);
  EXPECT_EQ(record().find(value), std::string::npos);
}

TEST_F(InspectionTest, ADownloadPassesUnchanged) {
  const auto file = directory() / "body";
  ASSERT_TRUE(write_file_atomic(file, std::string(8u << 20, 'y')));
  const auto result = curl({"--http2", "--data-binary", concat("@", file.native()), "https://api.test/"});
  EXPECT_EQ(result.code(), 0) << result.err;
  EXPECT_TRUE(result.out.find(concat("\"", std::string(8u << 20, 'y'), "\"")) != std::string::npos);
}

TEST_F(InspectionTest, AServerThatWentAwayIsAnErrorSoon) {
  inspection_->dialer.port = free_port();
  const auto result = curl({"https://api.test/"});
  EXPECT_NE(result.code(), 0);
  EXPECT_LT(result.duration, 5s);
}

}  // namespace
}  // namespace boxlite::net
