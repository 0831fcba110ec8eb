// Two targets in one, chosen by the first byte. Even: hostile nodes against `verify_proof`, which must answer or refuse by name, in
// time linear in the input. Odd: a trie made of the input; every proof of it must verify, and no altered one may say anything else.
#include "base/assert.hpp"
#include "crypto/hash.hpp"
#include "trie/trie.hpp"

using namespace phala;

namespace {

/// Takes bytes from the front; short when there are no more.
struct Input {
  ByteView rest;
  u8 byte() {
    if (rest.empty()) return 0;
    const u8 out = rest[0];
    rest = rest.subspan(1);
    return out;
  }
  Bytes bytes(size_t n) {
    n = std::min(n, rest.size());
    Bytes out = to_bytes(rest.first(n));
    rest = rest.subspan(n);
    return out;
  }
};

/// A fuzzer cannot find hashes, so it may name a later node: 0x80 (the length of a hash) 0xee i stands for the hash of node i.
void link(std::vector<Bytes>& nodes) {
  for (size_t n = nodes.size(); n-- > 0;) {
    Bytes linked;
    for (size_t i = 0; i < nodes[n].size(); ++i) {
      linked.push_back(nodes[n][i]);
      if (nodes[n][i] != 0x80 || i + 2 >= nodes[n].size() || nodes[n][i + 1] != 0xee) continue;
      const size_t target = n + 1 + nodes[n][i + 2] % 8;
      if (target >= nodes.size()) continue;
      append(linked, crypto::blake2_256(nodes[target]));
      i += 2;
    }
    nodes[n] = std::move(linked);
  }
}

void hostile(Input in) {
  const Bytes key = in.bytes(in.byte());
  std::vector<Bytes> nodes;
  while (!in.rest.empty()) nodes.push_back(in.bytes(in.byte()));
  if (nodes.empty()) return;
  link(nodes);
  const Hash root = crypto::blake2_256(nodes[0]);
  const auto answer = trie::verify_proof(root, nodes, key);
  if (!answer) PHALA_ASSERT(answer.error().code == ErrorCode::invalid_input && !answer.error().message.empty());
  std::reverse(nodes.begin(), nodes.end());   // order does not matter
  const auto again = trie::verify_proof(root, nodes, key);
  PHALA_ASSERT(answer.has_value() == again.has_value() && (!answer || *answer == *again));
}

void honest(Input in) {
  trie::MemoryTrie state;
  std::map<Bytes, Bytes, BytesLess> model;
  const u8 flip = in.byte();
  std::vector<Bytes> keys;
  while (!in.rest.empty() && keys.size() < 64) {
    const u8 control = in.byte();
    Bytes key = in.bytes(control % 8);
    keys.push_back(key);
    if (control & 0x80) {
      PHALA_ASSERT(state.remove(key) == (model.erase(key) == 1));
    } else {
      const Bytes value(in.byte() % 64, control);
      state.insert(key, value);
      model[key] = value;
    }
  }
  const Hash root = state.root();
  PHALA_ASSERT(root == trie::root(model));
  auto proof = trie::prove(state, keys);
  const auto values = trie::verify_proof(root, proof, keys);
  PHALA_ASSERT(values.has_value());
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto at = model.find(keys[i]);
    PHALA_ASSERT((*values)[i] == (at == model.end() ? std::nullopt : std::optional(at->second)));
  }
  if (proof.empty()) return;
  Bytes& node = proof[flip % proof.size()];
  node[flip % node.size()] ^= static_cast<u8>(flip | 1);
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto altered = trie::verify_proof(root, proof, keys[i]);
    PHALA_ASSERT(!altered || *altered == (*values)[i]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  Input in{{data, size}};
  if (in.byte() % 2 == 0) hostile(in);
  else honest(in);
  return 0;
}
