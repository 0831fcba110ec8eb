#include "sim/chain.hpp"

#include "crypto/hash.hpp"
#include "primitives/extrinsic.hpp"

namespace phala::sim {

SimChain::SimChain(const runtime::ChainSpec& spec, const crypto::Ed25519Pair& sealer) : sealer_(&sealer) {
  auto genesis = runtime::build_genesis(spec);
  state_.apply(genesis.state);
  trie::MemoryTrie trie;
  for (const auto& [key, value] : state_.kv) trie.insert(key, value);
  headers_.push_back(genesis.header);
  proofs_.push_back(light::seal(sealer, genesis.header.hash()));
  messages_.push_back({});
  tries_.push_back(std::move(trie));
}

Result<> SimChain::produce(u64 now_ms) {
  runtime::BlockBuilder builder(state_, head(), now_ms);
  std::vector<Hash> included;
  for (const auto& tx : pool_->ready()) {
    const auto applied = builder.apply(tx->extrinsic, &tx->context);
    if (applied) included.push_back(tx->hash);
    else if (applied.error().kind != runtime::TransactionError::Kind::exhausts_resources) pool_->revalidated(tx->hash, fail(applied.error()), height(), now_ms);
  }
  auto block = std::move(builder).finish();
  trie::MemoryTrie trie = tries_.back();
  for (const auto& [key, value] : block.diff) {
    if (value) trie.insert(key, *value);
    else trie.remove(key);
  }
  block.header.state_root = trie.root();
  // what was produced must be what anybody else gets by executing it
  const auto again = TRY(runtime::execute_block(state_, head(), block.header, block.extrinsics).context("re-executing block " + std::to_string(block.header.number)));
  if (again.diff != block.diff) return fail(ErrorCode::internal, "block " + std::to_string(block.header.number) + " executes to another state");
  state_.apply(block.diff);

  BlockMessages messages{block.header.number, now_ms, {}, {}};
  for (const auto& message : block.messages) {
    messages.leaves.push_back(Leaf::of(message));
    messages.payloads.push_back(message.payload);
  }
  const Hash hash = block.header.hash();
  headers_.push_back(block.header);
  proofs_.push_back(light::seal(*sealer_, hash));
  messages_.push_back(std::move(messages));
  tries_.push_back(std::move(trie));
  pool_->block_added(height(), hash, included);
  pool_->block_finalized(hash);
  for (const auto& tx : pool_->to_revalidate(256))
    pool_->revalidated(tx->hash, runtime::validate(state_, head(), tx->extrinsic, &tx->context), height(), now_ms);
  return {};
}

bool SimChain::submit(Bytes extrinsic, u64 now_ms) {
  const auto verdict = runtime::validate(state_, head(), extrinsic);
  return verdict && pool_->add(std::move(extrinsic), *verdict, height(), now_ms, false);
}

Bytes SimChain::sign(const crypto::KeyPair& by, ByteView call, u32 longevity_blocks) const {
  u32 nonce = runtime::account_nonce(state_, by.account());
  for (const auto& tx : pool_->ready()) nonce += tx->sender == by.account();
  const SignedExtra extra{Era::mortal(longevity_blocks, height()), {nonce}, {0}};
  const BlockNumber birth = extra.era.birth(height());
  const SignedContext context{runtime::version().spec_version, runtime::version().transaction_version, genesis_hash(), headers_.at(birth).hash()};
  const Bytes signature = by.sign(signing_payload(call, extra, context));
  return encode_extrinsic(ExtrinsicSignature{by.account(), signature::Sr25519{crypto::Signature(signature)}, extra}, call);
}

u64 SimChain::next_sequence(const MessageOrigin& sender) const {
  u64 next = read().mq.offchain_ingress.get(sender).value_or(0);
  while (pool_->gives(pallets::message_tag(sender, next))) ++next;
  return next;
}

light::Batch SimChain::batch(BlockNumber from, BlockNumber to) const {
  light::Batch out;
  out.finality = proofs_.at(to);
  for (BlockNumber n = from; n <= to; ++n) {
    out.headers.push_back(headers_.at(n));
    out.messages.push_back(messages_.at(n));
  }
  return out;
}

}  // namespace phala::sim
