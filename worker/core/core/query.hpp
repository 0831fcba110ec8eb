#pragma once
// Why: a query goes end to end encrypted from a browser to this machine, runs on an immutable snapshot beside everything else, and its
// answer goes back under the same agreed key (docs/protocol.md §9). Pure: IVs and effects are arguments.

#include "core/certificate.hpp"
#include "core/machine.hpp"

namespace phala::worker {

namespace query {
struct InkMessage { Bytes payload; u128 deposit{}, transfer{}; bool estimating{};  FIELDS(payload, deposit, transfer, estimating) };
struct SidevmMessage { Bytes payload;  FIELDS(payload) };
struct InkInstantiate { Hash code_hash; Bytes salt, instantiate_data; u128 deposit{}, transfer{};  FIELDS(code_hash, salt, instantiate_data, deposit, transfer) };
struct Kind : scale::Enum<scale::At<0, InkMessage>, scale::At<1, SidevmMessage>, scale::At<2, InkInstantiate>> { using Enum::Enum; };

struct BadOrigin { FIELDS() };
struct RuntimeError { std::string message;  FIELDS(message) };
struct SidevmNotFound { FIELDS() };
struct NoResponse { FIELDS() };
struct ServiceUnavailable { FIELDS() };
struct Timeout { FIELDS() };
struct Failure : scale::Enum<scale::At<0, BadOrigin>, scale::At<1, RuntimeError>, scale::At<2, SidevmNotFound>, scale::At<3, NoResponse>, scale::At<4, ServiceUnavailable>, scale::At<5, Timeout>> {
  using Enum::Enum;
};
}  // namespace query

/// What was sent, in clear.
struct ContractQuery { protocol::ContractId contract; Hash nonce; query::Kind query;  FIELDS(contract, nonce, query) };

/// A query that decrypted, with what its answer needs.
struct OpenQuery {
  ContractQuery content;
  std::optional<AccountId> origin;   ///< nothing: unsigned
  SecretBytes<32> key;               ///< agreed with the asker
};

/// An immutable view of one block for queries; shared by all that run on it.
struct QuerySnapshot {
  BlockNumber block{};               ///< last one processed
  Hash block_hash;
  u64 now_ms{};
  std::optional<Cluster> cluster;
  std::optional<engine::RuntimeVersion> named_runtime;
  u64 max_cluster_bytes = default_max_cluster_bytes;
};
QuerySnapshot snapshot_of(const Machine& machine);

/// `encrypted`: SCALE of EncryptedData. `chain` empty: no signature came. Errors (for HTTP 400 or 500 with their text): undecodable,
/// undecryptable, bad signature or certificate.
Result<OpenQuery> open_query(const Sr25519Pair& identity, ByteView encrypted, const SignatureChain& chain, BlockNumber current_block,
                             KnownCertificates& known);

/// An answer in clear: SCALE of what the asker decodes, or why there is none.
using QueryAnswer = Result<Bytes, query::Failure>;
struct QueryRun {
  QueryAnswer answer;
  std::vector<LogRecord> records;    ///< for the log server
  std::vector<CacheChange> cache;
};
/// Answers SidevmMessage to the log server: JSON in, JSON out. Only for askers that proved who they are.
using AskLogServer = std::function<std::string(std::string_view request, const AccountId& asker)>;
/// Error `not_found`: the contract is not here (HTTP 500 to the asker). Other errors: this machine could not run it.
Result<QueryRun> run_query(engine::Engine& engine, const QuerySnapshot& snapshot, const PublicKey& worker, const OpenQuery& query,
                           engine::QueryEffects* effects, const AskLogServer& ask_log_server);

/// SCALE of EncryptedData that holds nonce and answer.
Bytes seal_answer(const Sr25519Pair& identity, const OpenQuery& query, const QueryAnswer& answer, const crypto::Iv& iv);

/// For contracts that are not known, or clusters that are not there.
Error contract_not_found(const protocol::ContractId& contract);

}  // namespace phala::worker
