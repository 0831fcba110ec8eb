#include "primitives/protocol.hpp"

#include "crypto/hash.hpp"

namespace phala::protocol {

Bytes contract_command_topic(const ContractId& contract) { return to_bytes("phala/contract/" + to_hex(contract) + "/command"); }

ContractId contract_id(const AccountId& deployer, const Hash& code_hash, const ClusterId& cluster, ByteView salt) {
  return crypto::blake2_256(concat(deployer, code_hash, cluster, salt));
}

AccountId cluster_account(const ClusterId& cluster) { return crypto::blake2_256(concat(as_bytes("cluster:"), cluster)).as<AccountId>(); }

}  // namespace phala::protocol
