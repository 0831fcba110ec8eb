// The native side of documents.hpp: nlohmann's JSON parser, and the strict reading of Intel's schemas. Texts that arrive here carry a
// valid signature already, so strictness guards against formats we do not know, not against attackers.
#include <chrono>

#include "attest/documents.hpp"
#include "attest/json_tape.hpp"

namespace phala::attest {
namespace {

using Json = JsonValue;
using Kind = JsonValue::Kind;

/// The member, which must exist.
Result<Json, Defect> member(const Json& object, std::string_view name) {
  const auto found = object.find(name);
  if (!found) return fail(Defect::malformed);
  return *found;
}
Result<std::string_view, Defect> text(const Json& object, std::string_view name) {
  const Json value = TRY(member(object, name));
  if (!value.is(Kind::string)) return fail(Defect::malformed);
  return value.text();
}
template <class Int>
Result<Int, Defect> number(const Json& object, std::string_view name) {
  const Json value = TRY(member(object, name));
  if (!value.is(Kind::number) || value.number() > static_cast<u64>(static_cast<Int>(~Int{0}))) return fail(Defect::malformed);
  return static_cast<Int>(value.number());
}
template <class Fixed>
Result<Fixed, Defect> hex(const Json& object, std::string_view name) {
  const auto raw = from_hex(TRY(text(object, name)));
  if (!raw || raw->size() != Fixed::bytes) return fail(Defect::malformed);
  return Fixed(ByteView(*raw));
}

/// "2025-06-19T10:56:11Z", nothing else.
Result<UnixSeconds, Defect> time(const Json& object, std::string_view name) {
  const std::string_view t = TRY(text(object, name));
  constexpr std::string_view shape = "dddd-dd-ddTdd:dd:ddZ";
  if (t.size() != shape.size()) return fail(Defect::malformed);
  for (size_t i = 0; i < t.size(); ++i)
    if (shape[i] == 'd' ? t[i] < '0' || t[i] > '9' : t[i] != shape[i]) return fail(Defect::malformed);
  const auto digits = [&](size_t from, size_t n) {
    int value = 0;
    for (const char c : t.substr(from, n)) value = value * 10 + (c - '0');
    return value;
  };
  const std::chrono::year_month_day day{std::chrono::year(digits(0, 4)), std::chrono::month(static_cast<unsigned>(digits(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(digits(8, 2)))};
  const int hour = digits(11, 2), minute = digits(14, 2), second = digits(17, 2);
  if (!day.ok() || day.year() < std::chrono::year(1970) || hour > 23 || minute > 59 || second > 59) return fail(Defect::malformed);
  const auto days = std::chrono::sys_days(day).time_since_epoch().count();
  return static_cast<UnixSeconds>(days) * 86400 + static_cast<UnixSeconds>(hour * 3600 + minute * 60 + second);
}

Result<TcbStatus, Defect> status(const Json& object) {
  const std::string_view name = TRY(text(object, "tcbStatus"));
  for (u8 s = 0; is_valid(static_cast<TcbStatus>(s)); ++s)
    if (to_string(static_cast<TcbStatus>(s)) == name) return static_cast<TcbStatus>(s);
  return fail(Defect::malformed);
}

Result<TcbVerdict, Defect> verdict(const Json& level) {
  TcbVerdict out;
  out.status = TRY(status(level));
  out.date = TRY(time(level, "tcbDate"));
  const auto ids = level.find("advisoryIDs");
  if (!ids) return out;
  bool all_texts = ids->is(Kind::array);
  ids->each([&](std::string_view, const Json& id) {
    out.advisory_ids.emplace_back(id.text());
    return all_texts = all_texts && id.is(Kind::string);
  });
  if (!all_texts) return fail(Defect::malformed);
  return out;
}

/// `one` of every element of the array called `name`, which must not be empty.
template <class T>
Result<std::vector<T>, Defect> list(const Json& object, std::string_view name, Result<T, Defect> (*one)(const Json&)) {
  const Json items = TRY(member(object, name));
  if (!items.is(Kind::array)) return fail(Defect::malformed);
  std::vector<T> out;
  std::optional<Defect> defect;
  items.each([&](std::string_view, const Json& item) {
    auto value = one(item);
    if (value) out.push_back(std::move(*value));
    else defect = value.error();
    return !defect;
  });
  if (defect || out.empty()) return fail(defect.value_or(Defect::malformed));
  return out;
}

/// v3: sixteen objects {"svn": n, …}.
Result<Components, Defect> components(const Json& tcb, std::string_view name) {
  const auto svns = TRY(list<u8>(tcb, name, [](const Json& c) { return number<u8>(c, "svn"); }));
  Components out{};
  if (svns.size() != out.size()) return fail(Defect::malformed);
  std::ranges::copy(svns, out.begin());
  return out;
}
/// v2: sixteen members "sgxtcbcomp01svn" … "sgxtcbcomp16svn".
Result<Components, Defect> named_components(const Json& tcb) {
  Components out{};
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t n = i + 1;
    const std::string name = std::string("sgxtcbcomp") + static_cast<char>('0' + n / 10) + static_cast<char>('0' + n % 10) + "svn";
    out[i] = TRY(number<u8>(tcb, name));
  }
  return out;
}

template <u32 Version, bool Tdx>
Result<PlatformLevel, Defect> platform_level(const Json& json) {
  PlatformLevel out;
  const Json tcb = TRY(member(json, "tcb"));
  out.pce_svn = TRY(number<u16>(tcb, "pcesvn"));
  if constexpr (Version == 2) out.sgx = TRY(named_components(tcb));
  else out.sgx = TRY(components(tcb, "sgxtcbcomponents"));
  if constexpr (Tdx) out.tdx = TRY(components(tcb, "tdxtcbcomponents"));
  out.verdict = TRY(verdict(json));
  return out;
}

Result<EnclaveLevel, Defect> enclave_level(const Json& json) {
  EnclaveLevel out;
  out.isv_svn = TRY(number<u16>(TRY(member(json, "tcb")), "isvsvn"));
  out.verdict = TRY(verdict(json));
  return out;
}

Result<TdxModule, Defect> tdx_module(const Json& json) {
  TdxModule out;
  out.mr_signer = TRY(hex<TdHash>(json, "mrsigner"));
  out.attributes = TRY(hex<FixedBytes<8>>(json, "attributes"));
  out.attributes_mask = TRY(hex<FixedBytes<8>>(json, "attributesMask"));
  return out;
}

/// "TDX_" and the major version in two hexadecimal digits.
Result<TdxModuleIdentity, Defect> module_identity(const Json& json) {
  TdxModuleIdentity out;
  const std::string_view id = TRY(text(json, "id"));
  if (!id.starts_with("TDX_")) return fail(Defect::malformed);
  const auto major = from_hex(id.substr(4));
  if (!major || major->size() != 1) return fail(Defect::malformed);
  out.major = (*major)[0];
  out.module = TRY(tdx_module(json));
  out.levels = TRY(list<EnclaveLevel>(json, "tcbLevels", enclave_level));
  return out;
}

}  // namespace

Result<TcbInfo, Defect> parse_tcb_info(std::string_view text_) {
  const auto tape = JsonTape::parse(text_);
  if (!tape) return fail(Defect::malformed);
  const Json json(*tape);
  TcbInfo out;
  out.version = TRY(number<u32>(json, "version"));
  if (out.version != 2 && out.version != 3) return fail(Defect::unsupported_version);
  const std::string_view id = out.version == 2 ? "SGX" : TRY(text(json, "id"));
  if (id != "SGX" && id != "TDX") return fail(Defect::wrong_tee);
  out.tdx = id == "TDX";
  if (TRY(number<u32>(json, "tcbType")) != 0) return fail(Defect::unsupported_version);   // how the components are compared
  out.issue_date = TRY(time(json, "issueDate"));
  out.next_update = TRY(time(json, "nextUpdate"));
  out.fmspc = TRY(hex<Fmspc>(json, "fmspc"));
  out.pce_id = TRY(hex<FixedBytes<2>>(json, "pceId"));
  out.evaluation_number = TRY(number<u32>(json, "tcbEvaluationDataNumber"));
  if (out.tdx) {
    out.module = TRY(tdx_module(TRY(member(json, "tdxModule"))));
    if (json.find("tdxModuleIdentities")) out.module_identities = TRY(list<TdxModuleIdentity>(json, "tdxModuleIdentities", module_identity));
  }
  out.levels = TRY(list<PlatformLevel>(json, "tcbLevels", out.version == 2 ? platform_level<2, false> : out.tdx ? platform_level<3, true> : platform_level<3, false>));
  return out;
}

Result<QeIdentity, Defect> parse_qe_identity(std::string_view text_) {
  const auto tape = JsonTape::parse(text_);
  if (!tape) return fail(Defect::malformed);
  const Json json(*tape);
  QeIdentity out;
  if (TRY(number<u32>(json, "version")) != 2) return fail(Defect::unsupported_version);
  const std::string_view id = TRY(text(json, "id"));
  if (id != "QE" && id != "TD_QE") return fail(Defect::wrong_tee);
  out.tdx = id == "TD_QE";
  out.issue_date = TRY(time(json, "issueDate"));
  out.next_update = TRY(time(json, "nextUpdate"));
  out.evaluation_number = TRY(number<u32>(json, "tcbEvaluationDataNumber"));
  out.misc_select = TRY(hex<FixedBytes<4>>(json, "miscselect"));
  out.misc_select_mask = TRY(hex<FixedBytes<4>>(json, "miscselectMask"));
  out.attributes = TRY(hex<FixedBytes<16>>(json, "attributes"));
  out.attributes_mask = TRY(hex<FixedBytes<16>>(json, "attributesMask"));
  out.mr_signer = TRY(hex<Hash>(json, "mrsigner"));
  out.isv_prod_id = TRY(number<u16>(json, "isvprodid"));
  out.levels = TRY(list<EnclaveLevel>(json, "tcbLevels", enclave_level));
  return out;
}

}  // namespace phala::attest
