#pragma once
// Why: before a call runs, everything around it is checked: signature, era, nonce, size, weight, order of a worker's messages, fee.
// These are the chain's signed extensions, in their frozen order (docs/protocol.md §3.1).

#include "runtime/pallets.hpp"

namespace phala::runtime {

using Checked = Result<void, TransactionError>;
inline auto refuse(TransactionError::Kind kind) { return fail(TransactionError{kind}); }

struct CheckedExtrinsic {
  std::optional<AccountId> signer;   ///< none: a bare extrinsic
  SignedExtra extra;
  RuntimeCall call;
  DispatchInfo info;
  u32 bytes = 0;                     ///< with the length prefix
  SignedContext context;             ///< what the signature covers besides the call
  bool known = false;                ///< that the signature is good was known before
};

/// Takes an extrinsic apart and checks who signed it. The block in progress must have begun. `good_under`: as of `validate`.
Result<CheckedExtrinsic, TransactionError> check_extrinsic(Pallets& p, ByteView extrinsic, const SignedContext* good_under = nullptr);
/// Would the extensions admit it, and what must the pool know? Changes nothing that is kept.
Result<ValidTransaction, TransactionError> validate_extensions(Pallets& p, const CheckedExtrinsic& x);

/// Executes a checked extrinsic in the block in progress. An error changes nothing.
Checked apply_signed(Pallets& p, u32 index, const CheckedExtrinsic& x);
/// Executes a bare call: an inherent with origin none, or a development override with origin root.
Checked apply_bare(Pallets& p, u32 index, const CheckedExtrinsic& x, const Origin& origin);

}  // namespace phala::runtime
