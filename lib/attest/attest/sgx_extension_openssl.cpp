// The SGX extension of a PCK certificate: nested SEQUENCEs of { OID, value }. Source: Intel SGX PCK certificate and CRL profile, §1.3.5.
#include <openssl/asn1.h>

#include "attest/openssl.hpp"

namespace phala::attest::openssl {
namespace {

using OwnedSequence = Owned<ASN1_SEQUENCE_ANY, [](ASN1_SEQUENCE_ANY* s) { sk_ASN1_TYPE_pop_free(s, ASN1_TYPE_free); }>;

Result<OwnedSequence, Defect> sequence_in(ByteView der) {
  const u8* at = der.data();
  OwnedSequence sequence(d2i_ASN1_SEQUENCE_ANY(nullptr, &at, static_cast<long>(der.size())));
  if (!sequence || at != der.data() + der.size()) return fail(Defect::malformed);
  return sequence;
}

/// Calls `take(last arc of the OID, value)` for each SEQUENCE { OID prefix.arc, value }. Every arc at most once and in 1 … `max_arc`.
template <class Take>
Result<u32, Defect> each_arc(ByteView der, ByteView prefix, u8 max_arc, Take&& take) {
  const auto items = TRY(sequence_in(der));
  u32 seen = 0;
  for (int i = 0; i < sk_ASN1_TYPE_num(items.get()); ++i) {
    const ASN1_TYPE* item = sk_ASN1_TYPE_value(items.get(), i);
    if (item->type != V_ASN1_SEQUENCE) return fail(Defect::malformed);
    const auto pair = TRY(sequence_in(view(item->value.sequence)));
    if (sk_ASN1_TYPE_num(pair.get()) != 2) return fail(Defect::malformed);
    const ASN1_TYPE *name = sk_ASN1_TYPE_value(pair.get(), 0), *value = sk_ASN1_TYPE_value(pair.get(), 1);
    if (name->type != V_ASN1_OBJECT) return fail(Defect::malformed);
    const ByteView oid = oid_of(name->value.object);
    if (oid.size() != prefix.size() + 1 || !starts_with(oid, prefix)) return fail(Defect::malformed);
    const u8 arc = oid.back();
    if (arc == 0 || arc > max_arc || (seen & (1u << arc)) != 0) return fail(Defect::malformed);
    seen |= 1u << arc;
    TRY(take(arc, *value));
  }
  return seen;
}

template <class Fixed>
Result<void, Defect> read_octets(const ASN1_TYPE& value, Fixed& to) {
  if (value.type != V_ASN1_OCTET_STRING || view(value.value.octet_string).size() != Fixed::bytes) return fail(Defect::malformed);
  to = Fixed(view(value.value.octet_string));
  return {};
}
Result<u64, Defect> read_integer(const ASN1_TYPE& value, int type, u64 max) {
  uint64_t n = 0;
  const bool read = value.type == type && (type == V_ASN1_ENUMERATED ? [&] {
    int64_t e = 0;
    const bool ok = ASN1_ENUMERATED_get_int64(&e, value.value.enumerated) == 1 && e >= 0;
    n = static_cast<u64>(e);
    return ok;
  }() : ASN1_INTEGER_get_uint64(&n, value.value.integer) == 1);
  if (!read || n > max) return fail(Defect::malformed);
  return n;
}

Result<void, Defect> read_tcb(const ASN1_TYPE& value, SgxExtension& out) {
  if (value.type != V_ASN1_SEQUENCE) return fail(Defect::malformed);
  const u32 seen = TRY(each_arc(view(value.value.sequence), concat(sgx_oid, std::array<u8, 1>{2}), 18, [&](u8 arc, const ASN1_TYPE& v) -> Result<void, Defect> {
    if (arc == 18) return read_octets(v, out.cpu_svn);
    if (arc == 17) out.pce_svn = static_cast<u16>(TRY(read_integer(v, V_ASN1_INTEGER, 0xffff)));
    else out.components[arc - 1u] = static_cast<u8>(TRY(read_integer(v, V_ASN1_INTEGER, 0xff)));
    return {};
  }));
  if (seen != 0x7fffe) return fail(Defect::malformed);   // all of 1 … 18
  return {};
}

Result<void, Defect> read_configuration(const ASN1_TYPE& value, SgxExtension& out) {
  if (value.type != V_ASN1_SEQUENCE) return fail(Defect::malformed);
  TRY(each_arc(view(value.value.sequence), concat(sgx_oid, std::array<u8, 1>{7}), 3, [&](u8 arc, const ASN1_TYPE& v) -> Result<void, Defect> {
    if (v.type != V_ASN1_BOOLEAN) return fail(Defect::malformed);
    (arc == 1 ? out.dynamic_platform : arc == 2 ? out.cached_keys : out.smt_enabled) = v.value.boolean != 0;
    return {};
  }));
  return {};
}

}  // namespace

Result<SgxExtension, Defect> sgx_extension_of(ByteView der) {
  SgxExtension out;
  const u32 seen = TRY(each_arc(der, sgx_oid, 7, [&](u8 arc, const ASN1_TYPE& v) -> Result<void, Defect> {
    switch (arc) {
      case 1: return read_octets(v, out.ppid);
      case 2: return read_tcb(v, out);
      case 3: return read_octets(v, out.pce_id);
      case 4: return read_octets(v, out.fmspc);
      case 5: out.sgx_type = static_cast<u8>(TRY(read_integer(v, V_ASN1_ENUMERATED, 2))); return {};
      case 6: return read_octets(v, out.platform_instance_id.emplace());
      default: return read_configuration(v, out);
    }
  }));
  constexpr u32 required = 0b111110;   // 1 … 5
  if ((seen & required) != required) return fail(Defect::malformed);
  return out;
}

}  // namespace phala::attest::openssl
