#pragma once
// Why: developers see what their contracts logged, emitted and returned through the PinkLogger driver. The worker is that server itself:
// a ring of numbered records and the JSON questions the SDK asks (docs/protocol.md §9.4).

#include "core/log_ring.hpp"

namespace phala::worker {

/// An answer stops after about this much, at the latest; `next` says where to go on.
constexpr size_t max_answer_bytes = 4u << 20, max_answer_records = 4096, max_scanned_records = 16'384;

/// Answers {"action":"GetLog", from, count, contract, blockNumber, nonce} and {"action":"GetInfo"}; else {"error": …}. What an encrypted command
/// returned is shown to its sender, and to whoever names its nonce (of at least 16 bytes); others see that there was one and how it ended.
std::string answer_log_query(const LogView& log, std::string_view request, const AccountId& asker);

}  // namespace phala::worker
