#include "workloads/rpc/options.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pipelab::rpc {
namespace {

std::string conflict_of(Options options, double interval_us = 1000) {
  Kit kit;
  kit.load.interval_us = interval_us;
  options.parser = PIPELAB_SIMDJSON != 0 ? Json::kSimdjson : Json::kRapidjson;
  return conflict(options, kit);
}

TEST(Options, OfARpcAreCheckedTogether) {
  EXPECT_EQ(conflict_of({}), "");
  EXPECT_NE(conflict_of({.batch = 65}).find("--batch: '65' requests"), std::string::npos);
  EXPECT_NE(conflict_of({.transport = Transport::kPipe, .wait = Wait::kSpin}).find("--wait"),
            std::string::npos);
  EXPECT_NE(conflict_of({.peer = Peer::kProcess, .pool = Pool::kMalloc}).find("--pool"),
            std::string::npos);
  EXPECT_NE(conflict_of({.transport = Transport::kTcp, .pool = Pool::kSharedStack}).find("--pool"),
            std::string::npos);
  EXPECT_NE(conflict_of({.connections = 2}).find("--connections"), std::string::npos);
  for (const Transport transport : {Transport::kRings, Transport::kPipe, Transport::kTcp}) {
    Options options{.peer = Peer::kProcess, .transport = transport};
    options.fault = to_fault("kill-server@0.5");
    EXPECT_EQ(conflict_of(options).empty(), transport == Transport::kTcp);
    options.fault = to_fault("kill-server@5");  // when all is over
    EXPECT_NE(conflict_of(options).find("--fault"), std::string::npos);
  }
  Kit kit;
  EXPECT_NE(conflict(Options{.parser = Json::kNone, .ids = Ids::kString}, kit).find("--ids"),
            std::string::npos);
  EXPECT_FALSE(to_fault("drop:0"));
  EXPECT_FALSE(to_fault("drop"));
  EXPECT_FALSE(to_fault("parse:1,2"));
  EXPECT_EQ(to_fault("late:3")->every, 3U);
  EXPECT_EQ(to_fault("kill-server@1.5")->at_s, 1.5);
  EXPECT_FALSE(to_fault("kill-server@-1"));
  EXPECT_FALSE(to_fault("kill-server@"));
}

}  // namespace
}  // namespace pipelab::rpc
