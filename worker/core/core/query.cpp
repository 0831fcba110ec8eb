#include "core/query.hpp"

namespace phala::worker {

namespace {

constexpr u64 query_gas_limit = 10 * 1'000'000'000'000ull;   // docs/protocol.md §9.1: ten nominal seconds

Result<QueryRun> run_ink(engine::Engine& engine, const Cluster& cluster, const QuerySnapshot& snapshot, const PublicKey& worker, const OpenQuery& open,
                         engine::QueryEffects* effects) {
  if (!open.origin) return QueryRun{fail(query::Failure(query::BadOrigin{})), {}, {}};
  const engine::ExecContext context{snapshot.block, snapshot.now_ms, worker, &cluster.key->secret(), *cluster.system_code, snapshot.named_runtime,
                                    cluster.room_bytes(snapshot.max_cluster_bytes)};
  engine::RunRequest run{engine::Mode::estimating, *open.origin, 0, query_gas_limit, false};
  Result<engine::Outcome> outcome = fail(ErrorCode::internal, "no kind of query");
  if (const auto* message = open.content.query.get_if<query::InkMessage>()) {
    run.mode = message->estimating ? engine::Mode::estimating : engine::Mode::query;
    run.value = message->transfer;
    run.deposit = message->deposit;
    run.effects = message->estimating ? nullptr : effects;
    outcome = engine::call(engine, cluster.state, context, {run, open.content.contract.as<AccountId>(), message->payload});
  } else if (const auto* make = open.content.query.get_if<query::InkInstantiate>()) {
    run.value = make->transfer;
    run.deposit = make->deposit;
    outcome = engine::instantiate(engine, cluster.state, context, {run, make->code_hash, make->instantiate_data, make->salt});
  }
  const auto done = TRY(std::move(outcome));
  QueryRun out{done.result.encode(), {}, {}};
  const ExecMode mode = run.mode == engine::Mode::query ? ExecMode::query : ExecMode::estimating;
  collect_records(out.records, done.effects, snapshot.block, snapshot.now_ms, mode);
  // the other events that act in a query are orders to a SideVM, which this worker does not have
  for (const auto& emitted : done.effects.pink_events)
    if (auto change = cache_change_of(emitted)) out.cache.push_back(std::move(*change));
  return out;
}

}  // namespace

QuerySnapshot snapshot_of(const Machine& machine) { return {machine.tip.number, machine.tip.hash, machine.tip.now_ms, machine.cluster, machine.named_runtime}; }

Result<OpenQuery> open_query(const Sr25519Pair& identity, ByteView encrypted, const SignatureChain& chain, BlockNumber current_block, KnownCertificates& known) {
  const auto decode_error = [](scale::CodecError e) { return Error{ErrorCode::invalid_input, "DecodeError(" + scale::to_error(e).message + ")"}; };
  const auto sealed = TRY(scale::decode<protocol::EncryptedData>(encrypted).map_error(decode_error));
  std::optional<AccountId> origin;
  if (!chain.empty())
    origin = TRY(verify_chain(encrypted, chain, current_block, known).map_error([](SignatureError e) {
      return Error{ErrorCode::refused, "Verifying signature failed: " + std::string(to_string(e))};
    }));
  auto key = TRY(identity.agree(sealed.pubkey).map_error([](Error e) { return Error{ErrorCode::refused, "CryptoError: " + e.message}; }));
  const Bytes plain = TRY(crypto::aes256gcm_open(key, sealed.iv.as<crypto::Iv>(), sealed.data).map_error([](Error e) {
    return Error{ErrorCode::refused, "CryptoError: " + e.message};
  }));
  auto content = TRY(scale::decode<ContractQuery>(plain).map_error(decode_error));
  return OpenQuery{std::move(content), origin, std::move(key)};
}

Error contract_not_found(const protocol::ContractId& contract) { return {ErrorCode::not_found, "ContractNotFound: " + to_hex0x(contract)}; }

Result<QueryRun> run_query(engine::Engine& engine, const QuerySnapshot& snapshot, const PublicKey& worker, const OpenQuery& open,
                           engine::QueryEffects* effects, const AskLogServer& ask_log_server) {
  const auto& id = open.content.contract;
  if (!snapshot.cluster) return fail(contract_not_found(id));
  const Cluster& cluster = *snapshot.cluster;
  const auto* message = open.content.query.get_if<query::SidevmMessage>();
  // the log server answers where the cluster says it is; before anybody said so, where clients then ask: the zero id
  const bool for_log_server = cluster.log_handler ? *cluster.log_handler == id : id == protocol::ContractId{} || cluster.system_contract() == id;
  if (message != nullptr && for_log_server) {
    if (!open.origin) return QueryRun{fail(query::Failure(query::BadOrigin{})), {}, {}};
    return QueryRun{to_bytes(ask_log_server(as_text(message->payload), *open.origin)), {}, {}};
  }
  if (!cluster.contracts.contains(id)) return fail(contract_not_found(id));
  if (message != nullptr) return QueryRun{fail(query::Failure(query::SidevmNotFound{})), {}, {}};
  return run_ink(engine, cluster, snapshot, worker, open, effects);
}

Bytes seal_answer(const Sr25519Pair& identity, const OpenQuery& open, const QueryAnswer& answer, const crypto::Iv& iv) {
  Bytes plain = to_bytes(open.content.nonce);
  if (answer) append(plain, scale::encode(u8{0}, u8{0}, *answer));
  else append(plain, scale::encode(u8{1}, answer.error()));
  return scale::encode(protocol::EncryptedData{iv.as<FixedBytes<12>>(), identity.public_key(), crypto::aes256gcm_seal(open.key, iv, plain)});
}

}  // namespace phala::worker
