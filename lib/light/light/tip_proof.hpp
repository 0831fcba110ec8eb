#pragma once
// Why: a few facts a worker needs are not messages (has the chain taken my messages?). They are read from the state of the last
// final header, by proof. Only for checks at the tip: nothing deterministic may depend on them.

#include "light/light.hpp"

namespace phala::light {

/// What the state at `tip` says of `keys`: one answer per key, nothing where the key is absent. `proof` is a list of trie nodes as
/// `state_getReadProof` serves it. Errors: the tip has no state root yet; a node missing, malformed or from another state.
Result<std::vector<std::optional<Bytes>>> read_at_tip(const Tip& tip, std::span<const Bytes> proof, std::span<const Bytes> keys);

}  // namespace phala::light
