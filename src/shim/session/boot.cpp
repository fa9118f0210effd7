// SPDX-License-Identifier: Apache-2.0
#include "shim/session/boot.h"

#include <algorithm>
#include <utility>

#include "base/concat.h"
#include "base/ids.h"
#include "base/time.h"

namespace boxlite::shim {
namespace {

using std::chrono::microseconds;

constexpr std::uint32_t protocol = 1;
constexpr std::size_t entropy_bytes = 64;

microseconds from_ns(std::uint64_t ns) {
  return std::chrono::duration_cast<microseconds>(std::chrono::nanoseconds(ns));
}

}  // namespace

void Boot::note(std::string_view stage, microseconds duration) {
  stages_.push_back({std::string(stage), duration});
}

void Boot::enter(std::string_view phase) {
  phase_ = phase;
  phase_began_ = std::chrono::steady_clock::now();
}

void Boot::leave() {
  stages_.push_back(
      {phase_, std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - phase_began_)});
}

// What follows a failure fails for that reason.
void Boot::fail_with(Error error) {
  if (std::exchange(has_failed_, true)) return;
  done_(std::unexpected(std::move(error)));
}

void Boot::begin(std::string_view first_stage, Done done) {
  done_ = std::move(done);
  hello(first_stage, config_.start_container_request.empty());
}

void Boot::greet(std::string_view stage, Done done) {
  done_ = std::move(done);
  hello(stage, true);
}

void Boot::begin_greeted(std::string kernel_release, Done done) {
  done_ = std::move(done);
  kernel_release_ = std::move(kernel_release);
  configure();
  start_container();
}

void Boot::hello(std::string_view stage, bool is_all) {
  enter(stage);
  wire::msg::HelloRequest request;
  request.set_protocol(protocol);
  request.set_host_version(BOXLITE_VERSION);
  mux_.call<wire::GuestHello>(request, [this, is_all](Result<wire::msg::HelloResponse> response) {
    if (!response) return fail_with(std::move(response).error());
    leave();
    if (response->protocol() != protocol) {
      return fail_with(Error(ErrorCode::unsupported, concat("the agent speaks version ", response->protocol(),
                                                            " of the protocol, not ", protocol))
                           .with_remedy("use the initramfs and the boxlite-shim of one build"));
    }
    kernel_release_ = response->kernel_release();
    if (is_all) return done_({});
    // The guest takes them in order, and need not wait for us in between.
    configure();
    start_container();
  });
}

void Boot::configure() {
  enter("configure");
  auto request = wire::parse<wire::msg::ConfigureRequest>(config_.configure_request);
  if (!request) return fail_with(std::move(request).error());
  request->set_wall_clock_ns(static_cast<std::uint64_t>(now().time_since_epoch().count()));
  request->set_entropy(random_bytes(entropy_bytes));
  mux_.call<wire::GuestConfigure>(*request, [this](Result<wire::msg::ConfigureResponse> response) {
    if (!response) return fail_with(std::move(response).error());
    phase_ = "container";
  });
}

void Boot::start_container() {
  auto request = wire::parse<wire::msg::StartContainerRequest>(config_.start_container_request);
  if (!request) return fail_with(request.error());
  if (folders_ != nullptr) folders_->add_mounts(*request->mutable_container());
  request->mutable_container()->mutable_ca_certificates()->append(ca_certificates_);
  request->mutable_container()->set_is_disposable(config_.is_disposable);
  mux_.call<wire::GuestStartContainer>(*request, [this](Result<wire::msg::StartContainerResponse> response) {
    if (!response) {
      auto error = std::move(response).error();
      return fail_with(folders_ != nullptr ? folders_->explain(std::move(error)) : std::move(error));
    }
    // Both answers come together. The guest says how the time was spent; its clock is not ours, so it cannot
    // exceed what we have seen.
    const auto whole =
        std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - phase_began_);
    const auto mount = std::min(from_ns(response->mount_ns()), whole);
    const auto container = std::min(from_ns(response->prepare_ns()), whole - mount);
    stages_.push_back({"configure", whole - mount - container});
    stages_.push_back({"mount", mount});
    stages_.push_back({"container", container});
    phase_ = "ready";
    done_({});
  });
}

}  // namespace boxlite::shim
