#pragma once
// Why: everything in which two chains of the same program differ, as data: who is endowed, who may seal, which evidence is
// trusted. The chain spec is what a worker's trust starts from, so its hash is part of what a worker is told at launch.

#include "light/light.hpp"
#include "primitives/header.hpp"
#include "primitives/protocol.hpp"
#include "primitives/state.hpp"

namespace phala::runtime {

/// Trust anchors of attestation, as the chain keeps them in state.
struct AttestationPolicy {
  std::vector<Bytes> root_certificates;       ///< DER; Intel's SGX root in production, the development root in `phala dev`
  std::vector<Bytes> allowed_measurements;    ///< 68 bytes each (mr_enclave ‖ isv_prod_id ‖ isv_svn ‖ mr_signer); what the allow list starts with
  bool verify_measurement = true;
  FIELDS(root_certificates, allowed_measurements, verify_measurement)
};

struct ChainSpec {
  std::string name, id;                       ///< "Phala Development", "dev"
  bool development = false;                   ///< allows the dev_* overrides
  u32 block_ms = 3000;
  PublicKey sealer{};                         ///< ed25519: who finalizes; genesis state holds it, so the genesis hash commits to it
  AccountId sudo{};
  std::vector<std::pair<AccountId, u128>> endowed;
  AccountId treasury{};
  AttestationPolicy attestation;
  Bytes pink_system_code;                     ///< the system contract's wasm; empty: none yet
  std::pair<u32, u32> pink_runtime_version{1, 2};
  u32 benchmark_duration_blocks = 1;
  FIELDS(name, id, development, block_ms, sealer, sudo, endowed, treasury, attestation, pink_system_code, pink_runtime_version, benchmark_duration_blocks)
};

/// JSON in the shape of Substrate's chain specs (name, id, chainType, properties, genesis); round-trips. Errors name the field.
std::string to_json(const ChainSpec& spec);
Result<ChainSpec> chain_spec_from_json(std::string_view json);

/// The chain of `phala dev`: Alice is root; Alice, Bob, Charlie, Dave, Eve, Ferdie and their //stash own 10,000,000 PHA each.
/// Errors: none in practice (keys derive from constants).
Result<ChainSpec> development_spec(const PublicKey& sealer, AttestationPolicy attestation, Bytes pink_system_code);
/// `modl` ‖ `py/trsry`: where fees go.
AccountId treasury_account();

struct Genesis {
  Header header;
  StateDiff state;
};
Genesis build_genesis(const ChainSpec& spec);
/// Where belief in this chain starts: the hash of its first header, and the finalizer that the state beneath it names. Computed,
/// never read from the spec: who finalizes cannot be exchanged without it being another chain.
light::TrustRoot trust_root(const Genesis& genesis);

}  // namespace phala::runtime
