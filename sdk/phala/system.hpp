#pragma once
// Why: the messages of the contract that every cluster begins with, and of the drivers it knows by name. Described once, for the
// system contract that answers them and for every contract that asks. Names, selectors and shapes are those of ink!'s pink_system
// trait, which published clients and contracts send.

#include "phala/call.hpp"
#include "phala/pink.hpp"

namespace phala::sdk::system {

/// The spelling of the first name is the one on the wire's metadata.
enum class SystemError : u8 { PermisionDenied, DriverNotFound, CodeNotFound, ConditionNotMet };
constexpr bool is_valid(SystemError e) { return e <= SystemError::ConditionNotMet; }
using Done = Result<void, SystemError>;

struct Other { std::string _0;  FIELDS(_0) };
struct SystemError_ { SystemError _0{};  FIELDS(_0) };
struct BadOrigin { FIELDS() };
struct DriverError : scale::Enum<scale::At<0, Other>, scale::At<1, SystemError_>, scale::At<2, BadOrigin>> {
  using Enum::Enum;
};

enum class CodeType : u8 { Ink, Sidevm };
constexpr bool is_valid(CodeType t) { return t <= CodeType::Sidevm; }

using WorkerId = std::array<u8, 32>;
using VersionNumber = std::tuple<u16, u16, u16>;

constexpr std::string_view pink_system = "pink_system";

struct Version {
  FIELDS()
  using Returns = VersionNumber;
  static constexpr Message message = Message("System::version").in(pink_system);
};
struct GrantAdmin {
  AccountId contract_id;
  FIELDS(contract_id)
  using Returns = Done;
  static constexpr Message message = Message("System::grant_admin").in(pink_system).doc("Lets a contract administer the cluster. Owner only.");
};
struct IsAdmin {
  AccountId contract_id;
  FIELDS(contract_id)
  using Returns = bool;
  static constexpr Message message = Message("System::is_admin").in(pink_system);
};
struct SetDriver {
  std::string name;
  AccountId contract_id;
  FIELDS(name, contract_id)
  using Returns = Done;
  static constexpr Message message = Message("System::set_driver").in(pink_system).doc("Names the contract that does a job for others. Owner and administrators.");
};
struct GetDriver {
  std::string name;
  FIELDS(name)
  using Returns = std::optional<AccountId>;
  static constexpr Message message = Message("System::get_driver").in(pink_system);
};
struct GetDriver2 {
  std::string name;
  FIELDS(name)
  using Returns = std::optional<std::pair<BlockNumber, AccountId>>;
  static constexpr Message message = Message("System::get_driver2").in(pink_system).doc("A driver and the block that set it.");
};
struct DriverHistory {
  std::string name;
  FIELDS(name)
  using Returns = std::optional<std::vector<std::pair<BlockNumber, AccountId>>>;
  static constexpr Message message = Message("System::driver_history").in(pink_system);
};
struct DeploySidevmTo {
  AccountId contract_id;
  Hash code_hash;
  FIELDS(contract_id, code_hash)
  using Returns = Done;
  static constexpr Message message = Message("System::deploy_sidevm_to").in(pink_system).mutating().doc("Starts a contract's side program on every worker. Administrators.");
};
struct DeploySidevmToWorkers {
  AccountId contract_id;
  Hash code_hash;
  std::vector<WorkerId> workers;
  pink::SidevmConfig config;
  FIELDS(contract_id, code_hash, workers, config)
  using Returns = Done;
  static constexpr Message message = Message("System::deploy_sidevm_to_workers").in(pink_system).mutating();
};
struct StopSidevmAt {
  AccountId contract_id;
  FIELDS(contract_id)
  using Returns = Done;
  static constexpr Message message = Message("System::stop_sidevm_at").in(pink_system).mutating();
};
struct SetSidevmDeadline {
  AccountId contract_id;
  u32 deadline{};
  FIELDS(contract_id, deadline)
  using Returns = Done;
  static constexpr Message message = Message("System::set_sidevm_deadline").in(pink_system).mutating();
};
struct SetHook {
  pink::HookPoint hook{};
  AccountId contract;
  u32 selector{};
  u64 gas_limit{};
  FIELDS(hook, contract, selector, gas_limit)
  using Returns = Done;
  static constexpr Message message = Message("System::set_hook").in(pink_system).mutating();
};
struct SetContractWeight {
  AccountId contract_id;
  u32 weight{};
  FIELDS(contract_id, weight)
  using Returns = Done;
  static constexpr Message message = Message("System::set_contract_weight").in(pink_system).mutating();
};
struct TotalBalanceOf {
  AccountId account;
  FIELDS(account)
  using Returns = Balance;
  static constexpr Message message = Message("System::total_balance_of").in(pink_system);
};
struct FreeBalanceOf {
  AccountId account;
  FIELDS(account)
  using Returns = Balance;
  static constexpr Message message = Message("System::free_balance_of").in(pink_system);
};
struct UpgradeSystemContract {
  FIELDS()
  using Returns = Done;
  static constexpr Message message = Message("System::upgrade_system_contract").in(pink_system).mutating().doc("Switches to the code that governance released. Owner only.");
};
struct DoUpgrade {
  VersionNumber from_version;
  FIELDS(from_version)
  using Returns = Done;
  static constexpr Message message = Message("System::do_upgrade").in(pink_system).doc("Runs in the new code right after an upgrade. The contract itself only.");
};
struct UpgradeRuntime {
  std::pair<u32, u32> version;
  FIELDS(version)
  using Returns = Done;
  static constexpr Message message = Message("System::upgrade_runtime").in(pink_system).mutating();
};
struct CodeExists {
  Hash code_hash;
  CodeType code_type{};
  FIELDS(code_hash, code_type)
  using Returns = bool;
  static constexpr Message message = Message("System::code_exists").in(pink_system);
};
struct CodeHash {
  AccountId account;
  FIELDS(account)
  using Returns = std::optional<Hash>;
  static constexpr Message message = Message("System::code_hash").in(pink_system);
};
struct CurrentEventChainHead {
  FIELDS()
  using Returns = std::pair<u64, Hash>;
  static constexpr Message message = Message("System::current_event_chain_head").in(pink_system);
};
/// What the chain sends when the stake behind a contract changes; the system contract passes it to the driver "ContractDeposit".
struct ChangeDeposit {
  AccountId contract_id;
  Balance deposit{};
  FIELDS(contract_id, deposit)
  using Returns = Result<void, DriverError>;
  static constexpr Message message = Message("ContractDeposit::change_deposit").mutating();
};

}  // namespace phala::sdk::system
