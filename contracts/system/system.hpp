#pragma once
// Why: every cluster is governed from within by this contract. It is created with the cluster, by the cluster's owner, and is the
// only one whose events the worker obeys about others: hooks, side programs, weights, the log handler, upgrades. It keeps who may
// cause those (owner and administrators) and which contract does which job (drivers). Depends on the SDK only.
//
// Owner: appoints administrators, upgrades. An owner is not an administrator until it appoints itself.
// Messages that every client and contract sends: phala/system.hpp. Origin of the chain's own commands: this contract itself.

#include "phala/contract.hpp"
#include "phala/system.hpp"

namespace system_contract {

using namespace phala;
using namespace phala::sdk;
using system::Done;
using system::SystemError;

constexpr system::VersionNumber this_version{1, 2, 0};
constexpr size_t max_driver_name = 64;    ///< bytes
constexpr u32 max_history = 256;          ///< entries that driver_history returns, the newest

struct System {
  AccountId owner_;
  Map<AccountId, bool> administrators;
  Map<std::string, std::pair<BlockNumber, AccountId>> drivers;                          ///< the one in office
  Map<std::string, u32> changes;                                                        ///< how often a driver was set
  Map<std::pair<std::string, u32>, std::pair<BlockNumber, AccountId>> history;          ///< by name and count from 0
  FIELDS(owner_, administrators, drivers, changes, history)

  struct Default {
    FIELDS()
    static constexpr Constructor constructor = Constructor("default").preferred();
  };
  struct Owner {
    FIELDS()
    using Returns = AccountId;
    static constexpr Message message = Message("owner");
  };

  struct DriverChanged {
    std::string name;
    std::optional<AccountId> previous;
    AccountId current;
    FIELDS(name, previous, current)
    TOPICS(name)
  };
  struct AdministratorAdded {
    AccountId user;
    FIELDS(user)
    TOPICS(user)
  };

  using Constructors = List<Default>;
  using Messages = List<Owner, system::Version, system::GrantAdmin, system::IsAdmin, system::SetDriver, system::GetDriver, system::GetDriver2,
                        system::DriverHistory, system::DeploySidevmTo, system::DeploySidevmToWorkers, system::StopSidevmAt,
                        system::SetSidevmDeadline, system::SetHook, system::SetContractWeight, system::TotalBalanceOf, system::FreeBalanceOf,
                        system::UpgradeSystemContract, system::DoUpgrade, system::UpgradeRuntime, system::CodeExists, system::CodeHash,
                        system::CurrentEventChainHead, system::ChangeDeposit>;
  using Events = List<DriverChanged, AdministratorAdded>;

  void operator()(const Default&);
  AccountId operator()(const Owner&) const;
  system::VersionNumber operator()(const system::Version&) const;

  Done operator()(const system::GrantAdmin&);
  bool operator()(const system::IsAdmin&) const;
  Done operator()(const system::SetDriver&);
  std::optional<AccountId> operator()(const system::GetDriver&) const;
  std::optional<std::pair<BlockNumber, AccountId>> operator()(const system::GetDriver2&) const;
  std::optional<std::vector<std::pair<BlockNumber, AccountId>>> operator()(const system::DriverHistory&) const;

  Done operator()(const system::DeploySidevmTo&) const;
  Done operator()(const system::DeploySidevmToWorkers&) const;
  Done operator()(const system::StopSidevmAt&) const;
  Done operator()(const system::SetSidevmDeadline&) const;
  Done operator()(const system::SetHook&) const;
  Done operator()(const system::SetContractWeight&) const;

  Balance operator()(const system::TotalBalanceOf&) const;
  Balance operator()(const system::FreeBalanceOf&) const;
  bool operator()(const system::CodeExists&) const;
  std::optional<Hash> operator()(const system::CodeHash&) const;
  std::pair<u64, Hash> operator()(const system::CurrentEventChainHead&) const;

  Done operator()(const system::UpgradeSystemContract&) const;
  Done operator()(const system::DoUpgrade&);
  Done operator()(const system::UpgradeRuntime&) const;
  Result<void, system::DriverError> operator()(const system::ChangeDeposit&) const;

 private:
  Done only_owner() const;
  Done only_admin() const;
};

}  // namespace system_contract
