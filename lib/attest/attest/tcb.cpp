#include "attest/tcb.hpp"

namespace phala::attest {
namespace {

/// A status as a set of independent findings, so that two can be united.
enum Finding : u8 { sw_hardening = 1, configuration = 2, out_of_date = 4, revoked = 8 };

u8 findings(TcbStatus s) {
  switch (s) {
    case TcbStatus::up_to_date: return 0;
    case TcbStatus::sw_hardening_needed: return sw_hardening;
    case TcbStatus::configuration_needed: return configuration;
    case TcbStatus::configuration_and_sw_hardening_needed: return configuration | sw_hardening;
    case TcbStatus::out_of_date: return out_of_date;
    case TcbStatus::out_of_date_configuration_needed: return out_of_date | configuration;
    case TcbStatus::revoked: return revoked;
  }
  return revoked;
}

TcbStatus status_of(u8 found) {
  if (found & revoked) return TcbStatus::revoked;
  // an outdated platform has no separate status for missing hardening
  if (found & out_of_date) return found & configuration ? TcbStatus::out_of_date_configuration_needed : TcbStatus::out_of_date;
  if (found & configuration) return found & sw_hardening ? TcbStatus::configuration_and_sw_hardening_needed : TcbStatus::configuration_needed;
  return found & sw_hardening ? TcbStatus::sw_hardening_needed : TcbStatus::up_to_date;
}

bool reaches(std::span<const u8> platform, std::span<const u8> level) {
  return std::ranges::equal(platform, level, std::ranges::greater_equal{});
}

Result<TcbVerdict, Defect> match_enclave(const std::vector<EnclaveLevel>& levels, u16 isv_svn) {
  for (const auto& level : levels)
    if (isv_svn >= level.isv_svn) return level.verdict;
  return fail(Defect::no_matching_level);
}

template <size_t N>
bool equal_under_mask(const FixedBytes<N>& value, const FixedBytes<N>& mask, const FixedBytes<N>& expected) {
  for (size_t i = 0; i < N; ++i)
    if ((value[i] & mask[i]) != expected[i]) return false;
  return true;
}

/// TEE_TCB_SVN: byte 0 minor SVN, byte 1 major version of the TDX module.
u8 module_major(const TdxClaims& td) { return td.tee_tcb_svn[1]; }

}  // namespace

std::string_view to_string(TcbStatus status) {
  switch (status) {
    case TcbStatus::up_to_date: return "UpToDate";
    case TcbStatus::sw_hardening_needed: return "SWHardeningNeeded";
    case TcbStatus::configuration_needed: return "ConfigurationNeeded";
    case TcbStatus::configuration_and_sw_hardening_needed: return "ConfigurationAndSWHardeningNeeded";
    case TcbStatus::out_of_date: return "OutOfDate";
    case TcbStatus::out_of_date_configuration_needed: return "OutOfDateConfigurationNeeded";
    case TcbStatus::revoked: return "Revoked";
  }
  return "Unknown";
}

Result<TcbVerdict, Defect> match_platform(const TcbInfo& info, const SgxExtension& platform, const TdxClaims* td) {
  for (const auto& level : info.levels) {
    if (platform.pce_svn < level.pce_svn || !reaches(platform.components, level.sgx)) continue;
    if (td != nullptr) {
      if (!level.tdx) continue;
      const size_t from = module_major(*td) == 0 ? 0 : 2;
      if (!reaches(std::span(td->tee_tcb_svn).subspan(from), std::span(*level.tdx).subspan(from))) continue;
    }
    return level.verdict;
  }
  return fail(Defect::no_matching_level);
}

Result<std::optional<TcbVerdict>, Defect> match_module(const TcbInfo& info, const TdxClaims& td) {
  const TdxModuleIdentity* identity = nullptr;
  for (const auto& candidate : info.module_identities)
    if (candidate.major == module_major(td)) identity = &candidate;
  const bool first_generation = module_major(td) == 0;
  const TdxModule* expected = identity ? &identity->module : first_generation && info.module ? &*info.module : nullptr;
  if (expected == nullptr) return fail(Defect::unknown_module);
  if (td.mr_signer_seam != expected->mr_signer) return fail(Defect::wrong_mr_signer);
  if (!equal_under_mask(td.seam_attributes, expected->attributes_mask, expected->attributes)) return fail(Defect::wrong_attributes);
  if (!identity) return std::optional<TcbVerdict>{};
  return std::optional(TRY(match_enclave(identity->levels, td.tee_tcb_svn[0])));
}

Result<TcbVerdict, Defect> match_quoting_enclave(const QeIdentity& identity, const SgxReport& report) {
  if (report.mr_signer != identity.mr_signer) return fail(Defect::wrong_mr_signer);
  if (report.isv_prod_id != identity.isv_prod_id) return fail(Defect::wrong_product);
  if (!equal_under_mask(report.misc_select, identity.misc_select_mask, identity.misc_select)) return fail(Defect::wrong_misc_select);
  if (!equal_under_mask(report.attributes, identity.attributes_mask, identity.attributes)) return fail(Defect::wrong_attributes);
  return match_enclave(identity.levels, report.isv_svn);
}

TcbVerdict merge(TcbVerdict a, const TcbVerdict& b) {
  a.status = status_of(findings(a.status) | findings(b.status));
  a.date = std::min(a.date, b.date);
  a.advisory_ids.insert(a.advisory_ids.end(), b.advisory_ids.begin(), b.advisory_ids.end());
  std::ranges::sort(a.advisory_ids);
  const auto repeated = std::ranges::unique(a.advisory_ids);
  a.advisory_ids.erase(repeated.begin(), repeated.end());
  return a;
}

std::optional<u8> confidence_level(const TcbVerdict& verdict) {
  switch (verdict.status) {
    case TcbStatus::up_to_date: return 1;
    case TcbStatus::sw_hardening_needed: return 2;
    case TcbStatus::configuration_needed:
    case TcbStatus::configuration_and_sw_hardening_needed: {
      // advisories that configuration alone answers
      constexpr std::array<std::string_view, 4> mild{"INTEL-SA-00334", "INTEL-SA-00219", "INTEL-SA-00381", "INTEL-SA-00389"};
      const bool only_mild = std::ranges::all_of(verdict.advisory_ids, [&](const auto& id) { return std::ranges::find(mild, id) != mild.end(); });
      return only_mild ? 3 : 4;
    }
    case TcbStatus::out_of_date:
    case TcbStatus::out_of_date_configuration_needed: return 5;
    case TcbStatus::revoked: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace phala::attest
