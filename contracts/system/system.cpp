#include "system.hpp"

namespace system_contract {

Done System::only_owner() const {
  if (caller() != owner_) return fail(SystemError::PermisionDenied);
  return {};
}

Done System::only_admin() const {
  if (!administrators.contains(caller())) return fail(SystemError::PermisionDenied);
  return {};
}

void System::operator()(const Default&) { owner_ = caller(); }
AccountId System::operator()(const Owner&) const { return owner_; }
system::VersionNumber System::operator()(const system::Version&) const { return this_version; }

// ---- who may do what ---------------------------------------------------------------------------------------------

Done System::operator()(const system::GrantAdmin& call) {
  TRY(only_owner());
  administrators.put(call.contract_id, true);
  emit(*this, AdministratorAdded{call.contract_id});
  return {};
}

bool System::operator()(const system::IsAdmin& call) const { return administrators.contains(call.contract_id); }

// ---- drivers -----------------------------------------------------------------------------------------------------

Done System::operator()(const system::SetDriver& call) {
  if (!only_owner() && !only_admin()) return fail(SystemError::PermisionDenied);
  if (call.name.size() > max_driver_name) return fail(SystemError::ConditionNotMet);
  const auto previous = drivers.get(call.name);
  const u32 count = changes.get(call.name).value_or(0);
  const std::pair<BlockNumber, AccountId> now_in_office{block_number(), call.contract_id};
  drivers.put(call.name, now_in_office);
  history.put({call.name, count}, now_in_office);
  changes.put(call.name, count + 1);

  // two names mean something to the worker itself
  if (call.name == "PinkLogger") pink::emit(pink::SetLogHandler{call.contract_id});
  if (call.name == "JsRuntime") pink::emit(pink::SetJsRuntime{call.contract_id.as<Hash>()});
  emit(*this, DriverChanged{call.name, previous ? std::optional(previous->second) : std::nullopt, call.contract_id});
  return {};
}

std::optional<std::pair<BlockNumber, AccountId>> System::operator()(const system::GetDriver2& call) const {
  if (call.name.size() > max_driver_name) return std::nullopt;
  return drivers.get(call.name);
}

std::optional<AccountId> System::operator()(const system::GetDriver& call) const {
  const auto driver = (*this)(system::GetDriver2{call.name});
  if (!driver) return std::nullopt;
  return driver->second;
}

std::optional<std::vector<std::pair<BlockNumber, AccountId>>> System::operator()(const system::DriverHistory& call) const {
  if (call.name.size() > max_driver_name) return std::nullopt;
  const u32 count = changes.get(call.name).value_or(0);
  if (count == 0) return std::nullopt;
  std::vector<std::pair<BlockNumber, AccountId>> out;
  for (u32 i = count > max_history ? count - max_history : 0; i < count; ++i)
    if (const auto entry = history.get({call.name, i})) out.push_back(*entry);
  return out;
}

// ---- what the worker does on our word ----------------------------------------------------------------------------

Done System::operator()(const system::DeploySidevmTo& call) const {
  TRY(only_admin());
  pink::emit(pink::DeploySidevmTo{call.contract_id, call.code_hash});
  return {};
}

Done System::operator()(const system::DeploySidevmToWorkers& call) const {
  TRY(only_admin());
  pink::emit(pink::SidevmOperation{pink::SidevmStart{call.contract_id, call.code_hash, pink::ListedWorkers{call.workers}, call.config}});
  return {};
}

Done System::operator()(const system::StopSidevmAt& call) const {
  TRY(only_admin());
  pink::emit(pink::ForceStopSidevm{call.contract_id});
  return {};
}

Done System::operator()(const system::SetSidevmDeadline& call) const {
  TRY(only_admin());
  pink::emit(pink::SidevmOperation{pink::SidevmSetDeadline{call.contract_id, call.deadline}});
  return {};
}

Done System::operator()(const system::SetHook& call) const {
  TRY(only_admin());
  pink::emit(pink::SetHook{call.hook, call.contract, call.selector, call.gas_limit});
  return {};
}

Done System::operator()(const system::SetContractWeight& call) const {
  TRY(only_admin());
  pink::emit(pink::SetContractWeight{call.contract_id, call.weight});
  return {};
}

// ---- questions ---------------------------------------------------------------------------------------------------

Balance System::operator()(const system::TotalBalanceOf& call) const { return pink::balance_of(call.account).first; }
Balance System::operator()(const system::FreeBalanceOf& call) const { return pink::balance_of(call.account).second; }
bool System::operator()(const system::CodeExists& call) const {
  return pink::code_exists(call.code_hash, call.code_type == system::CodeType::Sidevm);
}
std::optional<Hash> System::operator()(const system::CodeHash& call) const { return code_hash(call.account); }
std::pair<u64, Hash> System::operator()(const system::CurrentEventChainHead&) const { return pink::current_event_chain_head(); }

// ---- upgrades ----------------------------------------------------------------------------------------------------

Done System::operator()(const system::UpgradeSystemContract&) const {
  TRY(only_owner());
  const auto released = pink::import_latest_system_code(caller());
  if (!released) return fail(SystemError::CodeNotFound);
  if (*released == own_code_hash()) return {};
  if (!set_code_hash(*released)) return fail(SystemError::CodeNotFound);
  // the new code looks at what it takes over and may refuse, which undoes the switch
  const auto accepted = sdk::call(address(), system::DoUpgrade{this_version}, {.allow_reentry = true});
  if (!accepted || !*accepted) return fail(SystemError::ConditionNotMet);
  return {};
}

Done System::operator()(const system::DoUpgrade& call) {
  if (caller() != address()) return fail(SystemError::PermisionDenied);
  if (call.from_version > this_version || pink::runtime_version() < std::pair<u32, u32>{1, 2}) return fail(SystemError::ConditionNotMet);
  return {};
}

Done System::operator()(const system::UpgradeRuntime& call) const {
  if (caller() == address()) {
    pink::emit(pink::UpgradeRuntimeTo{call.version});
    return {};
  }
  TRY(only_owner());
  // a version that is not released ends the frame that asks for it: this is one of its own, so that the owner gets an answer
  const auto asked = sdk::call(address(), call, {.allow_reentry = true});
  if (!asked || !*asked) return fail(SystemError::ConditionNotMet);
  return {};
}

// ---- stake behind contracts --------------------------------------------------------------------------------------

Result<void, system::DriverError> System::operator()(const system::ChangeDeposit& call) const {
  if (caller() != address()) return fail(system::DriverError(system::BadOrigin{}));
  const auto driver = (*this)(system::GetDriver{"ContractDeposit"});
  if (!driver) return {};
  auto answer = sdk::call(*driver, call, {.allow_reentry = true});
  if (!answer) return fail(system::DriverError(system::Other{"the driver ContractDeposit did not answer"}));
  return std::move(*answer);
}

}  // namespace system_contract

PHALA_CONTRACT(system_contract::System)
