// What workers and gatekeepers tell the registry, and by which key a message is theirs.
#include "registry/registry.hpp"

namespace phala::pallets {

using namespace protocol;

Try<PublicKey> Registry::key_of(const MessageOrigin& sender) const {
  if (const auto* worker = sender.get_if<origin::Worker>()) return worker->key;
  if (const auto* cluster = sender.get_if<origin::Cluster>()) return cluster_keys.find(cluster->id, Error::UnknownCluster);
  if (const auto* contract = sender.get_if<origin::Contract>()) return contract_keys.find(contract->id, Error::UnknownContract);
  if (!sender.is<origin::Gatekeeper>()) return fail(Error::CannotHandleUnknownMessage);
  const auto master = gatekeeper_master_pubkey.get();
  if (!master) return fail(Error::MasterKeyUninitialized);
  return *master;
}

Try<> Registry::check_message(const SignedMessage& message) const {
  const auto key = TRY(key_of(message.message.sender));
  if (message.signature.size() != 64) return fail(Error::InvalidSignatureLength);
  if (!crypto::sr25519_verify(crypto::Signature(message.signature), signed_bytes(message.message, message.sequence), key)) return fail(Error::InvalidSignature);
  return {};
}

Try<> Registry::on_message(const Message& message) {
  if (const auto event = TRY(payload_on<RegistryEvent>(message, topic::registry_event, Error::CannotHandleUnknownMessage)))
    return on_worker_event(message.sender, *event);
  if (const auto event = TRY(payload_on<GatekeeperRegistryEvent>(message, topic::gatekeeper_registry_event, Error::CannotHandleUnknownMessage)))
    return on_rotated_master_key(message.sender, *event->get_if<RotatedMasterPubkey>());
  return {};
}

Try<> Registry::on_worker_event(const MessageOrigin& sender, const RegistryEvent& event) {
  const auto* worker = sender.get_if<origin::Worker>();
  if (!worker) return fail(Error::InvalidSender);
  if (const auto* report = event.get_if<BenchReport>()) return on_benchmark(worker->key, *report);
  return on_master_key(worker->key, event.get_if<MasterPubkey>()->master_pubkey);
}

Try<> Registry::on_benchmark(const PublicKey& key, const BenchReport& report) {
  constexpr u64 max_score = 6000;
  const Moment now = timestamp_.now.get();
  // less than a second has no rate; the original divides by zero there
  if (now <= report.start_time || now - report.start_time < 1000) return fail(Error::InvalidBenchReport);
  auto worker = TRY(workers.find(key, Error::WorkerNotFound));
  const u64 per_second = report.iterations / ((now - report.start_time) / 1000);
  const u32 score = static_cast<u32>(std::min(std::min(per_second, max_score) * 6, max_score));
  worker.initial_score = score;
  worker.last_updated = now / 1000;
  workers.put(key, worker);
  tell_worker(key, BenchScore{score});
  emit(InitialScoreSet{key, score});
  return {};
}

Try<> Registry::on_master_key(const PublicKey& worker, const PublicKey& key) {
  const auto list = gatekeeper.get();
  if (std::find(list.begin(), list.end(), worker) == list.end()) return fail(Error::InvalidGatekeeper);
  if (const auto known = gatekeeper_master_pubkey.get()) {
    if (*known != key) return fail(Error::MasterKeyMismatch);
    return {};
  }
  gatekeeper_master_pubkey.put(key);
  gatekeeper_launched_at.put({system_.number.get(), timestamp_.now_s()});
  tell(topic::gatekeeper_launch, GatekeeperLaunch{MasterPubkeyOnChain{key}});
  emit(GatekeeperLaunched{});
  return {};
}

Try<> Registry::on_rotated_master_key(const MessageOrigin& sender, const RotatedMasterPubkey& rotated) {
  if (!sender.is<origin::Gatekeeper>()) return fail(Error::InvalidSender);
  const auto lock = master_key_rotation_lock.get();
  if (!lock || *lock != rotated.rotation_id) {
    emit(MasterKeyRotationFailed{lock, rotated.rotation_id});
    return fail(Error::InvalidRotatedMasterPubkey);
  }
  gatekeeper_master_pubkey.put(rotated.master_pubkey);
  master_key_rotation_lock.put(std::nullopt);
  tell(topic::gatekeeper_launch, GatekeeperLaunch{MasterPubkeyRotated{rotated.master_pubkey}});
  emit(MasterKeyRotated{rotated.rotation_id, rotated.master_pubkey});
  return {};
}

}  // namespace phala::pallets
