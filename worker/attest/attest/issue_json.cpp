// The texts of TCB info and QE identity, in the member order of Intel's own.
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>

#include "attest/issue.hpp"

namespace phala::attest {
namespace {

using Json = nlohmann::ordered_json;

std::string upper_hex(ByteView bytes) {
  std::string text = to_hex(bytes);
  for (char& c : text) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::string time_text(UnixSeconds seconds) {
  const std::chrono::sys_days day{std::chrono::days(seconds / 86400)};
  const std::chrono::year_month_day date(day);
  const unsigned second = static_cast<unsigned>(seconds % 86400);
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02u:%02u:%02uZ", int(date.year()), unsigned(date.month()), unsigned(date.day()), second / 3600, second / 60 % 60, second % 60);
  return text;
}

Json with_verdict(Json tcb, const TcbVerdict& verdict) {
  Json level;
  level["tcb"] = std::move(tcb);
  level["tcbDate"] = time_text(verdict.date);
  level["tcbStatus"] = to_string(verdict.status);
  if (!verdict.advisory_ids.empty()) level["advisoryIDs"] = verdict.advisory_ids;
  return level;
}

Json components(const Components& svns) {
  Json out = Json::array();
  for (const u8 svn : svns) out.push_back({{"svn", svn}});
  return out;
}

Json enclave_levels(const std::vector<EnclaveLevel>& levels) {
  Json out = Json::array();
  for (const auto& level : levels) out.push_back(with_verdict({{"isvsvn", level.isv_svn}}, level.verdict));
  return out;
}

Json module_json(const TdxModule& module) {
  return {{"mrsigner", upper_hex(module.mr_signer)}, {"attributes", upper_hex(module.attributes)}, {"attributesMask", upper_hex(module.attributes_mask)}};
}

}  // namespace

std::string tcb_info_json(const TcbInfo& info) {
  Json json{{"id", info.tdx ? "TDX" : "SGX"}, {"version", 3}, {"issueDate", time_text(info.issue_date)}, {"nextUpdate", time_text(info.next_update)},
            {"fmspc", upper_hex(info.fmspc)}, {"pceId", upper_hex(info.pce_id)}, {"tcbType", 0}, {"tcbEvaluationDataNumber", info.evaluation_number}};
  if (info.module) json["tdxModule"] = module_json(*info.module);
  for (const auto& identity : info.module_identities) {
    Json one{{"id", "TDX_" + upper_hex(std::array<u8, 1>{identity.major})}};
    one.update(module_json(identity.module));
    one["tcbLevels"] = enclave_levels(identity.levels);
    json["tdxModuleIdentities"].push_back(std::move(one));
  }
  json["tcbLevels"] = Json::array();
  for (const auto& level : info.levels) {
    Json tcb{{"sgxtcbcomponents", components(level.sgx)}, {"pcesvn", level.pce_svn}};
    if (level.tdx) tcb["tdxtcbcomponents"] = components(*level.tdx);
    json["tcbLevels"].push_back(with_verdict(std::move(tcb), level.verdict));
  }
  return json.dump();
}

std::string qe_identity_json(const QeIdentity& identity) {
  const Json json{{"id", identity.tdx ? "TD_QE" : "QE"},
                  {"version", 2},
                  {"issueDate", time_text(identity.issue_date)},
                  {"nextUpdate", time_text(identity.next_update)},
                  {"tcbEvaluationDataNumber", identity.evaluation_number},
                  {"miscselect", upper_hex(identity.misc_select)},
                  {"miscselectMask", upper_hex(identity.misc_select_mask)},
                  {"attributes", upper_hex(identity.attributes)},
                  {"attributesMask", upper_hex(identity.attributes_mask)},
                  {"mrsigner", upper_hex(identity.mr_signer)},
                  {"isvprodid", identity.isv_prod_id},
                  {"tcbLevels", enclave_levels(identity.levels)}};
  return json.dump();
}

}  // namespace phala::attest
