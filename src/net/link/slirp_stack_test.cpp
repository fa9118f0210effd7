// SPDX-License-Identifier: Apache-2.0
#include "net/link/slirp_stack.h"

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

// Slirp notes the time when it polls. A box that was idle for long would see its next datagram's socket go at
// once, and the answer with it. (A program of its own shows it, as slirp keeps the time for all stacks of a
// process.)
TEST(SlirpStack, KeepsASocketThatIsMadeAfterALongTime) {
  const auto loop = *linux_::EventLoop::create();
  const auto stack = *SlirpStack::create(*loop, {.on_frame = [](auto) {}, .may_go_on = [] { return true; }});
  stack->input(bytes_of(make_arp_announcement()));
  stack->input(bytes_of(TestPackets::udp(4000, {host_v4, 9}, "anybody?")));
  EXPECT_EQ(stack->sockets(), 1u);
  ASSERT_TRUE(loop->run_once(Deadline::after(std::chrono::milliseconds(100))));
  EXPECT_EQ(stack->sockets(), 1u);
}

}  // namespace
}  // namespace boxlite::net
