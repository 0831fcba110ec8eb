#pragma once
// Why: how much a block may hold, per class of extrinsic. Values of the reference chain (docs/protocol.md §3.4): 2 s of reference
// time and 5 MiB, of which ordinary extrinsics get three quarters; inherents have no limit.

#include "frame/type_registry.hpp"

namespace phala::frame {

template <class T>
struct PerDispatchClass {
  T normal{}, operational{}, mandatory{};
  FIELDS(normal, operational, mandatory)
  constexpr const T& of(DispatchClass c) const { return c == DispatchClass::normal ? normal : c == DispatchClass::operational ? operational : mandatory; }
  constexpr T& of(DispatchClass c) { return c == DispatchClass::normal ? normal : c == DispatchClass::operational ? operational : mandatory; }
};
struct WeightsPerClass { Weight base_extrinsic; std::optional<Weight> max_extrinsic, max_total, reserved;  FIELDS(base_extrinsic, max_extrinsic, max_total, reserved) };
struct BlockWeights { Weight base_block, max_block; PerDispatchClass<WeightsPerClass> per_class;  FIELDS(base_block, max_block, per_class) };
struct BlockLength { PerDispatchClass<u32> max;  FIELDS(max) };
struct DbWeight { u64 read{}, write{};  FIELDS(read, write) };

constexpr DbWeight db_weight{25 * microseconds, 100 * microseconds};
constexpr Weight base_extrinsic_weight{108'157 * nanoseconds, 0};
constexpr Weight base_block_weight{390'584 * nanoseconds, 0};
constexpr Weight max_block_weight{2'000 * milliseconds, ~u64{0}};
constexpr Weight max_normal_weight{1'500 * milliseconds, ~u64{0} / 4 * 3};
constexpr Weight block_initialization_allowance{200 * milliseconds, ~u64{0} / 10};
constexpr u32 max_block_bytes = 5 * 1024 * 1024;

constexpr BlockWeights block_weights{
    base_block_weight, max_block_weight,
    {{base_extrinsic_weight, max_normal_weight - block_initialization_allowance - base_extrinsic_weight, max_normal_weight, Weight{}},
     {base_extrinsic_weight, max_block_weight - block_initialization_allowance - base_extrinsic_weight, max_block_weight, max_block_weight - max_normal_weight},
     {base_extrinsic_weight, std::nullopt, std::nullopt, std::nullopt}}};
constexpr BlockLength block_length{{max_block_bytes / 4 * 3, max_block_bytes, max_block_bytes}};

/// Weight of that many storage reads and writes besides `own` time.
constexpr Weight weigh(u64 own, u64 reads, u64 writes) { return {own + reads * db_weight.read + writes * db_weight.write, 0}; }

template <class T> inline constexpr std::string_view type_path<PerDispatchClass<T>> = "frame_support::dispatch::PerDispatchClass";
template <> inline constexpr std::string_view type_path<WeightsPerClass> = "frame_system::limits::WeightsPerClass";
template <> inline constexpr std::string_view type_path<BlockWeights> = "frame_system::limits::BlockWeights";
template <> inline constexpr std::string_view type_path<BlockLength> = "frame_system::limits::BlockLength";
template <> inline constexpr std::string_view type_path<DbWeight> = "sp_weights::RuntimeDbWeight";

}  // namespace phala::frame
