#pragma once
// Why: governance retires builds of the worker: those below PhalaRegistry.MinimumPRuntimeVersion, and all that do not know the rules of
// PRuntimeConsensusVersion (docs/protocol.md §6.3). What the chain asks for is no message of the log, so it is read by proof whenever the relay
// settles. A relay that withholds the proof gains nothing but time: unread for too long counts as unmet for all that others would see.

#include "primitives/header.hpp"

namespace phala::worker {

/// What this program is, for the chain to judge.
struct Build {
  u32 version = 0;                ///< (major << 16) + (minor << 8) + patch
  std::optional<Hash> enclave;    ///< MRENCLAVE where hardware measures it; nothing where nothing does: a name excuses nobody
};
/// The newest consensus rules this program knows.
constexpr u32 max_consensus_version = 0;

/// What the chain was last proven to ask for.
struct Requirements {
  std::optional<BlockNumber> read_at;   ///< height of the state it was read from; nothing: never
  u32 minimum_version = 0;              ///< as `Build::version`
  u32 consensus_version = 0;
  bool excused = false;                 ///< this build is on the allow list by its measurement, whatever its version
  FIELDS(read_at, minimum_version, consensus_version, excused)
};

/// Storage keys that are read, and what their values mean; `values` as light::read_at_tip gives them. Error: a value does not decode.
std::vector<Bytes> requirement_keys();
Result<Requirements> requirements_of(std::span<const std::optional<Bytes>> values, const Build& build, BlockNumber read_at);

/// Error `refused`, with what to do: the chain was proven to want another build. No block may be processed then.
Result<> check_build(const Requirements& requirements, const Build& build);

/// About an hour of three-second blocks: how long what was read counts.
constexpr BlockNumber max_unread_blocks = 1200;
/// May the outside see anything of this worker at `tip`? Errors: as `check_build`; `unavailable`: not read for `max_unread_blocks`.
Result<> check_service(const Requirements& requirements, const Build& build, BlockNumber tip);

}  // namespace phala::worker
