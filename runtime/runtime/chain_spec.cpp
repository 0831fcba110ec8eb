#include "runtime/chain_spec.hpp"

#include "base/assert.hpp"
#include "runtime/pallets.hpp"
#include "trie/root.hpp"

namespace phala::runtime {

AccountId treasury_account() { return pallet_account("py/trsry"); }

Genesis build_genesis(const ChainSpec& spec) {
  const MapState nothing;
  Pallets p(nothing);
  p.system.development.put(spec.development);
  p.system.finalizer.put(light::TrustedSealer{spec.sealer});
  p.payment.storage_version.put(Releases::v2);
  p.payment.next_fee_multiplier.put({});
  p.payment.fee_receiver.put(spec.treasury);
  p.sudo.key.put(spec.sudo);
  for (const auto& [who, amount] : spec.endowed) {
    const auto endowed = p.balances.endow(who, amount);
    PHALA_ASSERT(endowed.has_value());
  }
  // fees flow from the first block on, so the receiver exists from the start
  if (p.balances.free_balance(spec.treasury) == 0) PHALA_ASSERT(p.balances.endow(spec.treasury, Balances::existential_deposit).has_value());
  PHALA_ASSERT(p.balances.endow(PhatTokenomic::pot(), Balances::existential_deposit).has_value());
  p.registry.trust_anchors.put({spec.attestation.root_certificates, {}});
  p.registry.verify_measurement.put(spec.attestation.verify_measurement);
  p.registry.pruntime_allow_list.put(spec.attestation.allowed_measurements);
  for (const auto& measurement : spec.attestation.allowed_measurements) p.registry.pruntime_added_at.put(measurement, 0);
  p.registry.benchmark_duration.put(spec.benchmark_duration_blocks);
  if (!spec.pink_system_code.empty()) p.phat.install_system_code(spec.pink_system_code);
  p.phat.pink_runtime_version.put(spec.pink_runtime_version);
  // what genesis itself reports is nobody's to read
  p.system.events.kill();

  Genesis out;
  out.header.extrinsics_root = trie::ordered_root({});
  out.header.digest.logs.push_back(phala::digest::Consensus{message_log_engine, scale::encode(MessageLogDigest{})});
  out.state = p.state().diff();
  MapState state;
  state.apply(out.state);
  out.header.state_root = trie::root(state.kv);
  return out;
}

light::TrustRoot trust_root(const Genesis& genesis) {
  MapState state;
  state.apply(genesis.state);
  const auto finalizer = Pallets(state).system.finalizer.get();
  PHALA_ASSERT(finalizer.has_value());
  return {genesis.header.hash(), *finalizer};
}

}  // namespace phala::runtime
