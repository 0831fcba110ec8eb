#pragma once
// Why: the chain's table of contents. One line a pallet, dependencies visible and acyclic; `contents.cpp` lists the same
// pallets for decoding and metadata.

#include "balances/balances.hpp"
#include "mq/mq.hpp"
#include "phat/phat.hpp"
#include "phat_tokenomic/phat_tokenomic.hpp"
#include "randomness/randomness.hpp"
#include "runtime/runtime.hpp"
#include "sudo/sudo.hpp"
#include "system/system.hpp"
#include "timestamp/timestamp.hpp"
#include "transaction_payment/transaction_payment.hpp"
#include "utility/utility.hpp"

namespace phala::runtime {

using namespace frame;
using namespace pallets;

/// All pallets over one state. Cheap to make: items compute their keys when used.
class Pallets {
  State s_;

 public:
  explicit Pallets(const StateView& parent);
  State& state() { return s_; }

  Dispatcher dispatcher{s_};
  System system{s_};
  Utility utility{s_, dispatcher};
  Timestamp timestamp{s_};
  Balances balances{s_, system};
  TransactionPayment payment{s_, system, balances};
  Sudo sudo{s_, dispatcher};
  RandomnessCollectiveFlip randomness{s_, system};
  Outbox outbox{s_};
  Registry registry{s_, system, timestamp, outbox};
  PhatContracts phat{s_, balances, registry, outbox};
  PhatTokenomic tokenomic{s_, balances, phat, outbox};
  Mq mq{s_, outbox, registry, {&registry, &phat}};

  /// Hooks of a block's beginning; what they weighed.
  Weight on_initialize(BlockNumber n);
};

}  // namespace phala::runtime
