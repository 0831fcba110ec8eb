// phala contract stake: PHA behind a contract, and the share of the workers that it buys.

#include "cli/command.hpp"
#include "cli/contract_client.hpp"
#include "cli/fields.hpp"
#include "cli/signer.hpp"
#include "config/config.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// What a worker of the contract's cluster makes of it, once it has processed `block`.
Result<u64> weight_after(const Chain& chain, const crypto::KeyPair& user, const json& record, const Hash& id, u32 block) {
  const auto cluster = TRY(ClusterClient::connect(chain, TRY(TRY(Fields::of(record, "PhalaPhatContracts.Contracts")).text("cluster")), user));
  TRY(wait_until("the worker to take note of the stake", run_timeout_s, [&]() -> Result<bool> { return TRY(cluster.next_block()) > block; }));
  if (!TRY(cluster.driver("ContractDeposit"))) std::fprintf(stderr, "the cluster has no driver ContractDeposit: stake does not count there\n");
  const auto info = TRY(cluster.contract_info(id));
  if (!info) return fail(ErrorCode::not_found, "worker " + cluster.worker_url() + " has no contract " + to_hex0x(id), "it failed to instantiate, or has terminated");
  return TRY(Fields::of(*info, "the worker's GetContractInfo")).number("weight");
}

Result<int> stake(const Args& args) {
  const Hash id = TRY(contract_id(args));
  const std::string id_hex = to_hex0x(id);
  const auto wanted = args.has("AMOUNT") ? std::optional(TRY(args.amount("AMOUNT"))) : std::nullopt;
  const auto user = TRY(signer_of(args));
  const auto chain = TRY(Chain::connect(args.text("--rpc")));
  const json record = TRY(chain.query("PhalaPhatContracts", "Contracts", {id_hex}));
  // what lies on a contract that never was can still be taken back
  if (record.is_null() && wanted.value_or(1) != 0) return fail(ErrorCode::not_found, "the chain knows no contract " + id_hex);
  std::optional<Included> done;
  if (wanted) {
    done = TRY(chain.sign_and_submit(TRY(chain.call("PhalaPhatTokenomic", "adjust_stake", {id_hex, to_decimal(*wanted)})), user));
    if (done->failure) return fail(ErrorCode::refused, "the stake was not changed: " + *done->failure);
  }
  const std::string owner = crypto::to_ss58(user.account());
  ordered_json out{{"contract", id_hex},
                   {"stake", to_decimal(TRY(amount_value(TRY(chain.query("PhalaPhatTokenomic", "ContractUserStakes", {owner, id_hex})), "PhalaPhatTokenomic.ContractUserStakes")))},
                   {"total", to_decimal(TRY(amount_value(TRY(chain.query("PhalaPhatTokenomic", "ContractTotalStakes", {id_hex})), "PhalaPhatTokenomic.ContractTotalStakes")))}};
  if (!record.is_null()) {
    const auto weight = weight_after(chain, user, record, id, done ? done->block_number : 0);
    // the money has moved: that is told, whatever the worker is doing
    if (!weight && !done) return std::unexpected(weight.error());
    if (weight) out["weight"] = *weight;
    else std::fprintf(stderr, "the resulting weight is not known: %s\n", weight.error().text().c_str());
  }
  if (done) out["block"] = done->block_number;
  print(args, out);
  return config::exit_ok;
}

}  // namespace

std::span<const Command> contract_stake_commands() {
  static const Command commands[] = {
      {"contract stake", "Put PHA behind a contract, so that workers give it a larger share; 0 takes it back", "phala contract stake $CONTRACT 1000000000000",
       {{"CONTRACT", "contract id, 0x…"}, {"AMOUNT", "your whole stake from now on; without it, what there is", false}}, {rpc_option, key_option, scheme_option}, stake},
  };
  return commands;
}

}  // namespace phala::cli
