#pragma once
// Why: the stake-to-compute promise. Whoever stakes on a contract buys it a share of the cluster's workers; this driver turns the
// deposit that the chain reports into the weight by which workers schedule. The owner of the cluster makes it an administrator and
// sets it as the driver "ContractDeposit".

#include "phala/contract.hpp"
#include "phala/system.hpp"

namespace tokenomic {

using namespace phala;
using namespace phala::sdk;

/// Deposit for one unit of weight: 0.01 PHA.
constexpr Balance deposit_per_weight = 10'000'000'000;

struct Tokenomic {
  FIELDS()

  struct Default {
    FIELDS()
    static constexpr Constructor constructor = Constructor("default").preferred();
  };
  using Constructors = List<Default>;
  using Messages = List<system::ChangeDeposit>;
  using Events = List<>;

  void operator()(const Default&) {}
  /// Only from the system contract, which only passes on what the chain says.
  Result<void, system::DriverError> operator()(const system::ChangeDeposit&) const;
};

}  // namespace tokenomic
