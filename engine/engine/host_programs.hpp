#pragma once
// Why: a hostile contract is any sequence of host calls with any arguments. One contract, compiled once, runs such sequences as programs
// that it gets as input: tests and fuzzing try thousands of them a second, also nested, because a program may call, make and delegate to
// contracts of the same code with any part of its memory as their program.

#include "engine/host.hpp"
#include "engine/test_world.hpp"

namespace phala::engine::test {

/// The contract. Its input is a header of addresses (HostPrograms) and, from `program_start` on, operations: a byte and eight bytes for each
/// parameter. A byte below the number of host functions calls one; then come store, grow, jump, recurse, trap, and the end. It answers its last
/// 64 results.
Bytes program_runner();
constexpr u64 program_start = 0x1200;

/// Contracts and code for programs to work with, and the making of programs.
class HostPrograms {
 public:
  HostPrograms();
  Cluster cluster{3, 10, 1};
  ContractId runner, other;   ///< both run programs
  Hash code;                  ///< of both

  /// Any bytes to an input of `runner`: operations, and for each parameter what its role makes interesting: addresses that mean something, edges
  /// of memory and of limits, or plain numbers. What is left over lies behind the program, for pointers to find.
  Bytes program_of(ByteView choices) const;

 private:
  u64 argument(const Parameter& parameter, ByteView& choices) const;
  Bytes header_;
};

/// Runs `program` in the given mode on `engine` and aborts unless it ends as every run must: by itself or with a name, within its gas, without
/// money made or lost, leaving nothing that its mode forbids.
Outcome must_end_well(Engine& engine, const HostPrograms& programs, Mode mode, bool instantiates, const Bytes& program, u64 gas_limit);

}  // namespace phala::engine::test
