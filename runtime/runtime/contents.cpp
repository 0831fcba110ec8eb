#include "runtime/pallets.hpp"

namespace phala::runtime {

namespace {
constexpr const PalletOps* contents[] = {&System::ops, &Utility::ops, &Timestamp::ops, &Balances::ops, &TransactionPayment::ops, &Sudo::ops,
                                         &RandomnessCollectiveFlip::ops, &Mq::ops, &Registry::ops, &PhatContracts::ops,
                                         &PhatTokenomic::ops};
}  // namespace

Pallets::Pallets(const StateView& parent) : s_(parent) {
  dispatcher.add(System::index, &system);
  dispatcher.add(Utility::index, &utility);
  dispatcher.add(Timestamp::index, &timestamp);
  dispatcher.add(Balances::index, &balances);
  dispatcher.add(Sudo::index, &sudo);
  dispatcher.add(Mq::index, &mq);
  dispatcher.add(Registry::index, &registry);
  dispatcher.add(PhatContracts::index, &phat);
  dispatcher.add(PhatTokenomic::index, &tokenomic);
}

Weight Pallets::on_initialize(BlockNumber n) { return randomness.on_initialize(n) + mq.on_initialize() + phat.on_initialize(); }

}  // namespace phala::runtime

namespace phala::frame {
std::span<const PalletOps* const> all_pallets() { return runtime::contents; }
}  // namespace phala::frame
