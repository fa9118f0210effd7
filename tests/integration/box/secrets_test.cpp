// SPDX-License-Identifier: Apache-2.0
// A secret on its whole way, and every place where it must not be.
#include <fstream>

#include <fcntl.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "integration/box/box_fixture.h"
#include "net/inspection/tls/certificate_authority.h"
#include "support/program.h"

namespace boxlite::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view value = "v3ry-s3cret-value-0123456789";
constexpr std::string_view placeholder = "<BOXLITE_SECRET:api-key>";

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const char byte : bytes) hex += {digits[static_cast<unsigned char>(byte) >> 4], digits[byte & 15]};
  return hex;
}

// Between two offsets of a file, where it can be read.
bool range_has(int fd, std::size_t begin, std::size_t end, std::string_view text) {
  std::string bytes;
  for (auto at = begin; at < end; at += 1u << 20) {
    // With an overlap, lest it lie on a border.
    bytes.resize(std::min<std::size_t>(end - at, (1u << 20) + text.size()));
    const auto count = ::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (count > 0 &&
        std::string_view(bytes).substr(0, static_cast<std::size_t>(count)).find(text) != std::string::npos)
      return true;
  }
  return false;
}

// Disks and memory files are mostly holes.
bool file_has(const std::filesystem::path& path, std::string_view text) {
  const auto file = open_file(path, O_RDONLY);
  EXPECT_TRUE(file) << path;
  for (off_t at = 0; file;) {
    const auto begin = ::lseek(file->get(), at, SEEK_DATA);
    if (begin < 0) return false;
    at = ::lseek(file->get(), begin, SEEK_HOLE);
    if (range_has(file->get(), static_cast<std::size_t>(begin), static_cast<std::size_t>(at), text))
      return true;
  }
  return false;
}

// All of a process that can be read, the guest's memory included.
bool memory_has(int pid, std::string_view text) {
  const auto memory = open_file(concat("/proc/", pid, "/mem"), O_RDONLY);
  std::ifstream maps(concat("/proc/", pid, "/maps"));
  std::string line;
  while (memory && std::getline(maps, line)) {
    std::size_t begin = 0;
    std::size_t end = 0;
    char readable = '-';
    const bool is_map = std::sscanf(line.c_str(), "%zx-%zx %c", &begin, &end, &readable) == 3;
    if (is_map && readable == 'r' && range_has(memory->get(), begin, end, text)) return true;
  }
  return false;
}

class SecretsTest : public BoxTest {
 protected:
  void SetUp() override {
    BoxTest::SetUp();
    const auto authority = *net::CertificateAuthority::create(now());
    const auto key = *net::make_key();
    const auto certificate = *authority.sign("host.boxlite.internal", key.get(), now());
    const net::BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(bio.get(), certificate.get());
    PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &text);
    ASSERT_TRUE(write_file_atomic(directory() / "server.pem", {text, static_cast<std::size_t>(size)}));
    ASSERT_TRUE(write_file_atomic(directory() / "world.pem", authority.certificate_pem()));
    server_.emplace(ProgramOptions{.words = {"/usr/bin/python3", RECORDER, (directory() / "record").native(),
                                             (directory() / "server.pem").native()},
                                   .environment = {},
                                   .stdin_bytes = {}});
    ASSERT_TRUE(server_->wait_for_output("\n", 20s));
    port_ = server_->out().substr(0, server_->out().find('\n'));
  }
  void TearDown() override {
    server_.reset();
    BoxTest::TearDown();
  }

  BoxSpec spec() const {
    BoxSpec spec;
    spec.network.allow = {"host.boxlite.internal"};
    spec.secrets = {{.name = "api-key",
                     .value = std::string(value),
                     .hosts = {concat("host.boxlite.internal:", port_)},
                     .placeholder = {}}};
    spec.secret_authorities = directory() / "world.pem";
    return spec;
  }
  // The client verifies nothing: busybox cannot. That the box trusts its authority is another test's.
  Ran ask(Box& box) const {
    return run_in(box, {"sh", "-c",
                        concat("wget -q -O - --header \"X-Key: $BOXLITE_SECRET_API_KEY\" "
                               "https://host.boxlite.internal:",
                               port_, "/")});
  }
  std::string record() const { return read_file(directory() / "record").value_or(""); }

  std::optional<Program> server_;
  std::string port_;
};

TEST_F(SecretsTest, ReachTheServerAndNothingElse) {
  auto runtime = open();
  auto box = create(runtime, spec());
  const auto ran = ask(box);
  EXPECT_EQ(ran.status.exit_code, 0) << ran.err;
  EXPECT_THAT(record(), HasSubstr(value));
  EXPECT_THAT(ran.out, HasSubstr(placeholder));
  EXPECT_THAT(ran.out, Not(HasSubstr(value)));
  EXPECT_THAT(run_in(box, {"env"}).out, HasSubstr(concat("BOXLITE_SECRET_API_KEY=", placeholder)));

  const auto info = *box.info();
  ASSERT_TRUE(info.vmm_pid && info.shim_pid);
  EXPECT_TRUE(memory_has(*info.vmm_pid, placeholder)) << "else the search finds nothing at all";
  EXPECT_FALSE(memory_has(*info.vmm_pid, value));
  EXPECT_TRUE(info.spec.secrets.at(0).value.empty());
  ASSERT_TRUE(box.stop());
  for (const auto& entry : std::filesystem::recursive_directory_iterator(home())) {
    if (!entry.is_regular_file()) continue;
    const bool is_the_place = entry.path().filename() == "secrets";
    EXPECT_EQ(file_has(entry.path(), to_hex(value)), is_the_place) << entry.path();
    EXPECT_FALSE(file_has(entry.path(), value)) << entry.path();
    if (is_the_place) {
      EXPECT_EQ(entry.status().permissions(), std::filesystem::perms{0600});
    }
  }
}

TEST_F(SecretsTest, AreThereAgainWhenAnotherProcessStartsTheBox) {
  std::string id;
  {
    auto runtime = open();
    auto box = create(runtime, spec());
    id = box.id();
    EXPECT_EQ(ask(box).status.exit_code, 0);
    ASSERT_TRUE(box.stop());
  }
  auto runtime = open();
  auto box = *runtime.get(id);
  std::filesystem::remove(directory() / "record");
  EXPECT_EQ(ask(box).status.exit_code, 0);
  EXPECT_THAT(record(), HasSubstr(value));
}

TEST_F(SecretsTest, TheBoxTrustsItsAuthorityOnce) {
  auto runtime = open();
  auto box = create(runtime, spec());
  const auto look = [&] {
    const auto ran = run_in(box, {"sh", "-c", "grep -c BEGIN $SSL_CERT_FILE; cat $NODE_EXTRA_CA_CERTS"});
    return ran.out + ran.err;
  };
  const auto first = look();
  EXPECT_THAT(first, testing::StartsWith("1\n-----BEGIN CERTIFICATE-----"));
  ASSERT_TRUE(box.stop());
  EXPECT_EQ(look(), first);
  EXPECT_THAT(run_in(box, {"cat", "/etc/ssl/certs/ca-certificates.crt"}).out, Not(HasSubstr("PRIVATE")));
}

TEST_F(SecretsTest, AHostThatTheRulesRefuseIsAnError) {
  auto runtime = open();
  auto wrong = spec();
  wrong.network.allow = {"other.test"};
  const auto refused = runtime.create(wrong);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::invalid_argument);
  EXPECT_THAT(refused.error().message(), HasSubstr("host.boxlite.internal"));
  EXPECT_THAT(refused.error().message(), Not(HasSubstr(value)));
}

// The shim is given certificates, not a path that somebody could exchange before it looks.
TEST_F(SecretsTest, TheirAuthoritiesAreReadBeforeThereIsAShim) {
  auto runtime = open();
  auto wanted = spec();
  wanted.secret_authorities = directory() / "no-certificate";
  EXPECT_EQ(runtime.create(wanted).error().code(), ErrorCode::not_found);
  ASSERT_TRUE(write_file_atomic(wanted.secret_authorities, "hush"));
  EXPECT_THAT(runtime.create(wanted).error().message(), HasSubstr("no certificate in it"));
  std::filesystem::copy_file(spec().secret_authorities, wanted.secret_authorities,
                             std::filesystem::copy_options::overwrite_existing);
  auto box = runtime.create(wanted).value();
  ASSERT_TRUE(write_file_atomic(wanted.secret_authorities,
                                "-----BEGIN CERTIFICATE-----\nhush\n-----END CERTIFICATE-----\n"));
  const auto refused = box.start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::invalid_argument);
  EXPECT_THAT(refused.error().message(), HasSubstr("is damaged"));
  EXPECT_THAT(refused.error().remedy(), HasSubstr("PEM form"));
  // The shape of one, and nothing in it: only the shim can tell.
  ASSERT_TRUE(
      write_file_atomic(wanted.secret_authorities,
                        "-----BEGIN CERTIFICATE-----\nMAkwAQAwAQADAQA=\n-----END CERTIFICATE-----\n"));
  const auto empty = box.start();
  ASSERT_FALSE(empty);
  EXPECT_THAT(empty.error().message(), HasSubstr("secret authorities"));
  EXPECT_THAT(empty.error().remedy(), Not(HasSubstr("start_timeout")));
  ASSERT_EQ(::unlink(wanted.secret_authorities.c_str()), 0);
  ASSERT_EQ(::mkfifo(wanted.secret_authorities.c_str(), 0600), 0);
  EXPECT_EQ(box.start().error().code(), ErrorCode::invalid_argument) << "and waits for no writer";
}

TEST_F(SecretsTest, AServerThatCannotProveItsNameGetsNothing) {
  auto runtime = open();
  auto doubtful = spec();
  doubtful.secret_authorities.clear();
  auto box = create(runtime, doubtful);
  EXPECT_NE(ask(box).status.exit_code, 0);
  EXPECT_EQ(record(), "");
  EXPECT_TRUE(file_has(box.info()->directory / "network.log", "certificate"));
}

}  // namespace
}  // namespace boxlite::test
