#pragma once
// Why: words in which the tests of the plan speak of workers, claims and views.

#include <gtest/gtest.h>

#include "plan/plan.hpp"

namespace phala::relay {

inline PublicKey key_of(u8 n) { PublicKey key; key[0] = n; return key; }
inline Bytes worker_sender(u8 n) { return scale::encode(MessageOrigin(origin::Worker{key_of(n)})); }
inline const Bytes gatekeeper = scale::encode(MessageOrigin(origin::Gatekeeper{}));
inline Claim message(const Bytes& sender, u64 number) { return {Claim::Kind::message, sender, number}; }
inline Claim registration(u8 n) { return {Claim::Kind::registration, to_bytes(key_of(n).view()), 0}; }
inline Claim endpoint(u8 n) { return {Claim::Kind::endpoint, to_bytes(key_of(n).view()), 0}; }

inline WorkerReport report(u8 n, BlockNumber next_block) {
  WorkerReport out;
  out.key = key_of(n);
  out.next_block = next_block;
  return out;
}

/// A view in which everything was just asked: nothing to do.
inline View quiet(size_t workers, BlockNumber height, u64 now_ms = 1000) {
  View view;
  view.node.height = height;
  Looked answer;
  answer.height = height;
  view.workers.resize(workers);
  for (size_t i = 0; i < workers; ++i) {
    const u8 n = static_cast<u8>(i + 1);
    polled(view, i, report(n, height + 1), now_ms);
    answer.registered[key_of(n)] = Registered{};
    answer.endpoints[key_of(n)] = std::nullopt;
  }
  looked(view, answer);
  return view;
}
inline std::vector<Action> actions(View& view, u64 now_ms = 1000) { return next_plan(view, now_ms).actions; }
using Actions = std::vector<Action>;

}  // namespace phala::relay
