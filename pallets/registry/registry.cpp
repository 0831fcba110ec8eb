#include "registry/registry.hpp"

namespace phala::pallets {

PALLET_OPS(Registry);

using namespace protocol;

namespace {
constexpr u8 vouched_by_root = 128;

template <class List, class Item>
bool contains(const List& list, const Item& item) { return std::find(list.begin(), list.end(), item) != list.end(); }
}  // namespace

void Registry::tell_worker(const PublicKey& worker, WorkerEvent event) const {
  tell(topic::system_event, SystemEvent{WorkerEventWithKey{worker, std::move(event)}});
}

// ---- workers ------------------------------------------------------------------------------------------------------

DispatchResult Registry::operator()(const Origin& origin, const ForceRegisterWorker& call) {
  TRY(origin.ensure_root());
  workers.put(call.pubkey, {call.pubkey, call.ecdh_pubkey, 0, 1, call.operator_, AttestationProvider::root, vouched_by_root, std::nullopt, {1, 4}});
  worker_added_at.put(call.pubkey, system_.number.get());
  tell_worker(call.pubkey, Registered{vouched_by_root});
  emit(WorkerAdded{call.pubkey, AttestationProvider::root, vouched_by_root});
  return {};
}

DispatchResult Registry::operator()(const Origin& origin, const RegisterWorker&) {
  TRY(origin.signed_by());
  return fail(Error::UnsupportedAttestationType);
}

Weight Registry::weight(const RegisterWorkerV2& call) {
  constexpr u64 per_byte = 15 * nanoseconds;
  u64 bytes = call.pruntime_info.machine_id.size() + 4 * call.pruntime_info.features.size();
  if (const auto* dcap = call.attestation ? call.attestation->get_if<SgxDcap>() : nullptr) {
    bytes += dcap->quote.size();
    if (const auto* c = dcap->collateral ? dcap->collateral->get_if<attest::Collateral>() : nullptr)
      for (const size_t size : {c->pck_crl_issuer_chain.size(), c->root_ca_crl.size(), c->pck_crl.size(), c->tcb_info_issuer_chain.size(), c->tcb_info.size(),
                                c->tcb_info_signature.size(), c->qe_identity_issuer_chain.size(), c->qe_identity.size(), c->qe_identity_signature.size()})
        bytes += size;
  }
  return weigh(6 * milliseconds + bytes * per_byte, 10, 7);
}

DispatchResult Registry::operator()(const Origin& origin, const RegisterWorkerV2& call) {
  TRY(origin.signed_by());
  const auto& info = call.pruntime_info;
  const auto evidence = TRY(verify_evidence(call));
  if (info.para_id != 0) return fail(Error::ParachainIdMismatch);
  TRY(check_genesis(info.genesis_block_hash));
  note_consensus_version(info.max_consensus_version);
  accepted_quotes.put(evidence.quote_id, system_.number.get());
  tcb_evaluations.put(evidence.family, evidence.tcb_evaluation);

  const u64 now = timestamp_.now_s();
  if (auto worker = workers.get(info.pubkey)) {
    worker->last_updated = now;
    worker->operator_ = info.operator_;
    worker->runtime_version = info.version;
    worker->confidence_level = evidence.confidence;
    worker->features = info.features;
    workers.put(info.pubkey, *worker);
    emit(WorkerUpdated{info.pubkey, evidence.provider, evidence.confidence});
  } else {
    workers.put(info.pubkey, {info.pubkey, info.ecdh_pubkey, info.version, now, info.operator_, evidence.provider, evidence.confidence, std::nullopt, info.features});
    worker_added_at.put(info.pubkey, system_.number.get());
    emit(WorkerAdded{info.pubkey, evidence.provider, evidence.confidence});
  }
  tell_worker(info.pubkey, Registered{evidence.confidence});
  tell_worker(info.pubkey, BenchStart{benchmark_duration.get().value_or(0)});
  return {};
}

/// The evidence is good and fresh, what runs there is allowed, and it is this very registration that it vouches for.
Try<Registry::Accepted> Registry::verify_evidence(const RegisterWorkerV2& call) const {
  if (!call.attestation) return fail(Error::NoneAttestationDisabled);
  const auto* dcap = call.attestation->get_if<SgxDcap>();
  if (!dcap || !dcap->collateral) return fail(Error::UnsupportedAttestationType);
  const auto claims = attest::verify(dcap->quote, *dcap->collateral->get_if<attest::Collateral>(), trust_anchors.get(), timestamp_.now_s());
  if (!claims) {
    const auto defect = claims.error().defect;
    const bool status = defect == attest::Defect::status_not_allowed || defect == attest::Defect::no_matching_level;
    return fail(status ? Error::InvalidQuoteStatus : Error::InvalidDCAPQuote);
  }
  if (verify_measurement.get() && !contains(pruntime_allow_list.get(), to_bytes(claims->measurement))) return fail(Error::PRuntimeRejected);
  const ByteView data = claims->report_data.view();
  if (!same_bytes(data.first(32), crypto::blake2_256(scale::encode(call.pruntime_info)))) return fail(Error::InvalidRuntimeInfoHash);
  if (std::any_of(data.begin() + 32, data.end(), [](u8 byte) { return byte != 0; })) return fail(Error::InvalidReportData);
  const PlatformFamily family{claims->fmspc, claims->is_tdx()};
  if (claims->tcb_evaluation_number < tcb_evaluations.get(family)) return fail(Error::OutdatedCollateral);
  if (accepted_quotes.contains(claims->quote_id)) return fail(Error::QuoteAlreadyUsed);
  return Accepted{AttestationProvider::dcap, claims->confidence_level, claims->quote_id, family, claims->tcb_evaluation_number};
}

/// A worker belongs to this chain, or to one that governance has listed.
Try<> Registry::check_genesis(const Hash& genesis) const {
  if (genesis == system_.block_hash.get(0) || contains(relaychain_genesis_block_hash_allow_list.get(), genesis)) return {};
  return fail(Error::GenesisBlockHashRejected);
}

void Registry::note_consensus_version(u32 version) const {
  auto known = max_known_pruntime_consensus_version.get();
  if (version < known.version) return;
  known = version > known.version ? KnownConsensusVersion{version, 1} : KnownConsensusVersion{version, known.count + 1};
  max_known_pruntime_consensus_version.put(known);
}

DispatchResult Registry::operator()(const Origin& origin, const UpdateWorkerEndpoint& call) {
  TRY(origin.signed_by());
  constexpr u64 lifetime_ms = 4 * 60 * 60 * 1000;
  constexpr size_t max_payload_bytes = 2048;
  const auto& payload = call.endpoint_payload;
  if (call.signature.size() != 64) return fail(Error::InvalidSignatureLength);
  const Bytes encoded = scale::encode(payload);
  if (encoded.size() > max_payload_bytes) return fail(Error::InvalidInput);
  if (!crypto::sr25519_verify(crypto::Signature(call.signature), wrap_content(encoded, SignedContent::endpoint_info), payload.pubkey))
    return fail(Error::InvalidSignature);
  const Moment now = timestamp_.now.get();
  if (payload.signing_time >= now || now - payload.signing_time > lifetime_ms) return fail(Error::InvalidEndpointSigningTime);
  if (!workers.contains(payload.pubkey)) return fail(Error::InvalidPubKey);
  endpoints.put(payload.pubkey, payload.versioned_endpoints);
  return {};
}

// ---- gatekeepers --------------------------------------------------------------------------------------------------

DispatchResult Registry::operator()(const Origin& origin, const RegisterGatekeeper& call) {
  TRY(origin.ensure_root());
  if (master_key_rotation_lock.get()) return fail(Error::MasterKeyInRotation);
  auto list = gatekeeper.get();
  // the first gatekeeper makes the master key; others can join once it is known
  if (!list.empty() && !gatekeeper_master_pubkey.get()) return fail(Error::MasterKeyUninitialized);
  const auto worker = TRY(workers.find(call.gatekeeper, Error::WorkerNotFound));
  if (!contains(list, call.gatekeeper)) {
    list.push_back(call.gatekeeper);
    gatekeeper.put(list);
    if (list.size() == 1) tell(topic::gatekeeper_launch, GatekeeperLaunch{FirstGatekeeper{call.gatekeeper, worker.ecdh_pubkey}});
    else tell(topic::gatekeeper_change, GatekeeperChange{GatekeeperRegistered{call.gatekeeper, worker.ecdh_pubkey}});
  }
  emit(GatekeeperAdded{call.gatekeeper});
  return {};
}

DispatchResult Registry::operator()(const Origin& origin, const UnregisterGatekeeper& call) {
  TRY(origin.ensure_root());
  if (master_key_rotation_lock.get()) return fail(Error::MasterKeyInRotation);
  auto list = gatekeeper.get();
  const auto at = std::find(list.begin(), list.end(), call.gatekeeper);
  if (at == list.end()) return fail(Error::InvalidGatekeeper);
  if (list.size() == 1) return fail(Error::CannotRemoveLastGatekeeper);
  const auto worker = TRY(workers.find(call.gatekeeper, Error::WorkerNotFound));
  list.erase(at);
  gatekeeper.put(list);
  tell(topic::gatekeeper_change, GatekeeperChange{GatekeeperUnregistered{call.gatekeeper, worker.ecdh_pubkey}});
  return {};
}

DispatchResult Registry::operator()(const Origin& origin, const RotateMasterKey&) {
  TRY(origin.ensure_root());
  if (master_key_rotation_lock.get()) return fail(Error::MasterKeyInRotation);
  if (!gatekeeper_master_pubkey.get()) return fail(Error::MasterKeyUninitialized);
  protocol::RotateMasterKey rotate{rotation_counter.get() + 1, {}};
  for (const auto& key : gatekeeper.get()) rotate.gk_identities.push_back({key, TRY(workers.find(key, Error::WorkerNotFound)).ecdh_pubkey});
  rotation_counter.put(rotate.rotation_id);
  master_key_rotation_lock.put(rotate.rotation_id);
  tell(topic::gatekeeper_launch, GatekeeperLaunch{std::move(rotate)});
  return {};
}

// ---- lists and settings -------------------------------------------------------------------------------------------

DispatchResult Registry::operator()(const Origin& origin, const ForceSetBenchmarkDuration& call) {
  TRY(origin.ensure_root());
  benchmark_duration.put(call.value);
  return {};
}

DispatchResult Registry::operator()(const Origin& origin, const ForceRegisterTopicPubkey& call) {
  TRY(origin.ensure_root());
  if (!topic_key.fits(call.topic)) return fail(Error::InvalidInput);
  topic_key.put(call.topic, call.pubkey);
  return {};
}

DispatchResult Registry::operator()(const Origin& origin, const AddPruntime& call) {
  TRY(origin.ensure_root());
  if (!pruntime_added_at.fits(call.pruntime_hash)) return fail(Error::InvalidInput);
  auto list = pruntime_allow_list.get();
  if (contains(list, call.pruntime_hash)) return fail(Error::PRuntimeAlreadyExists);
  list.push_back(call.pruntime_hash);
  pruntime_allow_list.put(list);
  pruntime_added_at.put(call.pruntime_hash, system_.number.get());
  return {};
}

DispatchResult Registry::operator()(const Origin& origin, const RemovePruntime& call) {
  TRY(origin.ensure_root());
  auto list = pruntime_allow_list.get();
  if (std::erase(list, call.pruntime_hash) == 0) return fail(Error::PRuntimeNotFound);
  pruntime_allow_list.put(list);
  pruntime_added_at.remove(call.pruntime_hash);
  return {};
}

DispatchResult Registry::operator()(const Origin& origin, const AddRelaychainGenesisBlockHash& call) {
  TRY(origin.ensure_root());
  auto list = relaychain_genesis_block_hash_allow_list.get();
  if (contains(list, call.genesis_block_hash)) return fail(Error::GenesisBlockHashAlreadyExists);
  list.push_back(call.genesis_block_hash);
  relaychain_genesis_block_hash_allow_list.put(list);
  return {};
}

DispatchResult Registry::operator()(const Origin& origin, const RemoveRelaychainGenesisBlockHash& call) {
  TRY(origin.ensure_root());
  auto list = relaychain_genesis_block_hash_allow_list.get();
  if (std::erase(list, call.genesis_block_hash) == 0) return fail(Error::GenesisBlockHashNotFound);
  relaychain_genesis_block_hash_allow_list.put(list);
  return {};
}

DispatchResult Registry::operator()(const Origin& origin, const SetMinimumPruntimeVersion& call) {
  TRY(origin.ensure_root());
  minimum_pruntime_version.put({call.major, call.minor, call.patch});
  emit(MinimumPRuntimeVersionChangedTo{call.major, call.minor, call.patch});
  return {};
}

DispatchResult Registry::operator()(const Origin& origin, const SetPruntimeConsensusVersion& call) {
  TRY(origin.ensure_root());
  pruntime_consensus_version.put(call.version);
  emit(PRuntimeConsensusVersionChangedTo{call.version});
  return {};
}

DispatchResult Registry::operator()(const Origin& origin, const SetTrustedNtpServers& call) {
  TRY(origin.ensure_root());
  trusted_ntp_servers.put(call.servers);
  return {};
}

DispatchResult Registry::operator()(const Origin& origin, const SetTrustAnchors& call) {
  TRY(origin.ensure_root());
  trust_anchors.put(call.anchors);
  return {};
}

}  // namespace phala::pallets
