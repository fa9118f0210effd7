// SPDX-License-Identifier: Apache-2.0
#include "net/slirp_stack.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "net/test_guest.h"

namespace boxlite::net {
namespace {

ConstBytes bytes_of(const std::string& frame) {
  return {reinterpret_cast<const std::uint8_t*>(frame.data()), frame.size()};
}

// Whoever gets a frame may do with the stack what he likes: it is not at work then.
TEST(SlirpStack, GivesFramesWhenItIsNotAtWork) {
  const auto loop = *linux_::EventLoop::create();
  std::unique_ptr<SlirpStack> stack;
  int depth = 0;
  int deepest = 0;
  std::vector<EtherType> given;
  stack = *SlirpStack::create(*loop, {.on_frame =
                                          [&](auto frame) {
                                            deepest = std::max(deepest, ++depth);
                                            given.push_back(*ether_type(frame));
                                            if (given.size() < 6) {
                                              stack->input(bytes_of(TestPackets::arp_request()));
                                              stack->input(bytes_of(TestPackets::echo(gateway_v4, 1)));
                                            }
                                            --depth;
                                          },
                                      .may_go_on = [] { return true; }});
  stack->input(bytes_of(make_arp_announcement()));
  stack->input(bytes_of(TestPackets::arp_request()));
  EXPECT_EQ(deepest, 1) << "a frame was given while another one was";
  EXPECT_EQ(given.size(), 11u);
  EXPECT_EQ(std::ranges::count(given, EtherType::v4), 5) << "each ping is answered";
}

}  // namespace
}  // namespace boxlite::net
