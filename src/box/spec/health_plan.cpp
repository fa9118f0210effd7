// SPDX-License-Identifier: Apache-2.0
#include "box/spec/health_plan.h"

#include <algorithm>

#include "box/exec/execution.h"

namespace boxlite::box {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds usual_interval{30'000};
constexpr milliseconds usual_timeout{30'000};
constexpr unsigned usual_retries = 3;

milliseconds choose(milliseconds users, milliseconds images, milliseconds usual) {
  if (users.count() > 0) return users;
  return images.count() > 0 ? images : usual;
}

// Empty when the image has no check.
std::vector<std::string> image_command(const oci::ImageHealthCheck& check) {
  const auto& test = check.test;
  if (test.size() >= 2 && test[0] == "CMD") return {test.begin() + 1, test.end()};
  if (test.size() == 2 && test[0] == "CMD-SHELL") return {"/bin/sh", "-c", test[1]};
  return {};
}

}  // namespace

shimlink::HealthRule health_rule(const BoxSpec& spec, const oci::ImageConfig& image) {
  const auto& check = spec.health;
  shimlink::HealthRule rule;
  if (check.probe == HealthCheck::Probe::none) return rule;
  auto command = check.probe == HealthCheck::Probe::command ? check.command : image_command(image.health);
  if (check.probe == HealthCheck::Probe::ping) {
    rule.probe = shimlink::HealthProbe::ping;
  } else if (!command.empty()) {
    rule.probe = shimlink::HealthProbe::command;
    rule.command_request = exec_request({.command = std::move(command)}, "health").SerializeAsString();
  } else {
    return rule;
  }
  rule.interval = choose(check.interval, image.health.interval, usual_interval);
  rule.timeout = choose(check.timeout, image.health.timeout, usual_timeout);
  rule.start_period = choose(check.start_period, image.health.start_period, milliseconds(0));
  rule.retries = check.retries != 0 ? check.retries : image.health.retries;
  if (rule.retries == 0) rule.retries = usual_retries;
  return rule;
}

}  // namespace boxlite::box
