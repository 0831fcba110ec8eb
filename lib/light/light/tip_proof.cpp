#include "light/tip_proof.hpp"

#include "trie/proof.hpp"

namespace phala::light {

Result<std::vector<std::optional<Bytes>>> read_at_tip(const Tip& tip, std::span<const Bytes> proof, std::span<const Bytes> keys) {
  if (!tip.state_root) return fail(ErrorCode::unavailable, "no header with a known state yet", "let the worker take its first blocks");
  return trie::verify_proof(*tip.state_root, proof, keys).context("proof at block " + std::to_string(tip.number));
}

}  // namespace phala::light
