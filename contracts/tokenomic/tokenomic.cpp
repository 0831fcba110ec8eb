#include "tokenomic.hpp"

namespace tokenomic {

Result<void, system::DriverError> Tokenomic::operator()(const system::ChangeDeposit& change) const {
  const AccountId system_contract = pink::system_contract_id();
  if (caller() != system_contract) return fail(system::DriverError(system::BadOrigin{}));
  const Balance weight = change.deposit / deposit_per_weight;
  const u32 capped = weight > 0xffffffff ? 0xffffffff : static_cast<u32>(weight);
  // the system contract is on the stack and waits for us: it allowed this
  const auto answer = sdk::call(system_contract, system::SetContractWeight{change.contract_id, capped});
  if (!answer) return fail(system::DriverError(system::Other{"the system contract did not answer"}));
  if (!*answer) return fail(system::DriverError(system::SystemError_{answer->error()}));
  return {};
}

}  // namespace tokenomic

PHALA_CONTRACT(tokenomic::Tokenomic)
