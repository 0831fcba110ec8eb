#pragma once
// Why: tests of the runtime need a small chain: a state, its head, and signed transactions of the development accounts.

#include "crypto/account.hpp"
#include "runtime/chain_spec.hpp"
#include "runtime/check.hpp"

namespace phala::runtime::testing {

inline crypto::KeyPair pair_of(std::string_view uri, crypto::Scheme scheme = crypto::Scheme::sr25519) { return *crypto::KeyPair::from_uri(uri, scheme); }

inline ChainSpec test_spec() {
  ChainSpec spec;
  spec.name = "Test";
  spec.id = "test";
  spec.development = true;
  spec.sudo = pair_of("//Alice").account();
  for (const auto* name : {"//Alice", "//Bob", "//Charlie", "//Alice//stash"}) spec.endowed.emplace_back(pair_of(name).account(), 10'000'000 * Balances::pha);
  spec.treasury = pallet_account("py/trsry");
  return spec;
}

/// A chain that lives in memory. State roots are left zero: they are the store's business.
class TestChain {
 public:
  explicit TestChain(const ChainSpec& spec = test_spec()) {
    auto genesis = build_genesis(spec);
    state.apply(genesis.state);
    head = genesis.header;
    genesis_hash = head.hash();
  }

  Bytes sign(const crypto::KeyPair& by, const RuntimeCall& call, u32 nonce, u128 tip = 0, Era era = {}) const {
    const SignedExtra extra{era, {nonce}, {tip}};
    const SignedContext context{version().spec_version, version().transaction_version, genesis_hash, era.is_immortal() ? genesis_hash : head.hash()};
    const Bytes encoded = scale::encode(call), raw = by.sign(signing_payload(encoded, extra, context));
    MultiSignature signature;
    if (by.scheme() == crypto::Scheme::ed25519) signature = signature::Ed25519{crypto::Signature(raw)};
    else if (by.scheme() == crypto::Scheme::sr25519) signature = signature::Sr25519{crypto::Signature(raw)};
    else signature = signature::Ecdsa{crypto::EcdsaSignature(raw)};
    return encode_extrinsic(ExtrinsicSignature{by.account(), signature, extra}, encoded);
  }
  Bytes sign(const crypto::KeyPair& by, const RuntimeCall& call) const { return sign(by, call, account_nonce(state, by.account())); }

  BlockBuilder builder() const { return BlockBuilder(state, head, next_ms()); }
  u64 next_ms() const { return 1'700'000'000'000 + (head.number + 1) * 3000; }
  void import(ExecutedBlock block) {
    state.apply(block.diff);
    head = block.header;
    last = std::move(block);
  }
  /// One block with these; each must be accepted.
  void block(std::initializer_list<Bytes> extrinsics) {
    auto b = builder();
    for (const auto& x : extrinsics) applied.push_back(b.apply(x));
    import(std::move(b).finish());
  }
  bool has_event(u8 pallet, u8 event, ByteView fields) const {
    const Bytes wanted = concat(Bytes{pallet, event}, fields);
    const auto events = Pallets(state).system.events.get();
    return as_text(events.encoded).find(as_text(wanted)) != std::string_view::npos;
  }
  Balance free(const crypto::KeyPair& who) const { return Pallets(state).balances.free_balance(who.account()); }

  MapState state;
  Header head;
  Hash genesis_hash;
  ExecutedBlock last;
  std::vector<Checked> applied;
};

}  // namespace phala::runtime::testing
