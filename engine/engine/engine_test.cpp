#include <gtest/gtest.h>

#include "engine/test_support.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

TEST(EngineTest, a_contract_echoes_its_input) {
  Cluster cluster;
  const auto echo = cluster.deploy(answering(R"(
    (local.set $end (i32.add (local.get $end) (local.get $n)))
    (loop $copy
      (if (local.get $n) (then
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (i32.store8 (i32.add (i32.const 0x2000) (local.get $n)) (i32.load8_u (i32.add (i32.const 0x1000) (local.get $n))))
        (br $copy)))))"));
  EXPECT_EQ(data_of(cluster.query(echo, to_bytes("hello"))), to_bytes("hello"));
  EXPECT_EQ(data_of(cluster.send(echo, to_bytes("there"))), to_bytes("there"));
}
