#pragma once
// Why: what travels as SCALE and meets the outside, in one list: the target chooses by place, and the seeds have one of each.

#include <tuple>

#include "core/query.hpp"
#include "light/light.hpp"
#include "primitives/extrinsic.hpp"

namespace phala::fuzz {

using ScaleTypes = std::tuple<Header, Message, SignedMessage, BlockMessages, MessageOrigin, protocol::SystemEvent, protocol::RegistryEvent, protocol::GatekeeperLaunch,
                              protocol::GatekeeperChange, protocol::KeyDistribution, protocol::GatekeeperEvent, protocol::GatekeeperRegistryEvent, protocol::ClusterEvent,
                              protocol::ClusterRegistryEvent, protocol::ContractRegistryEvent, protocol::ClusterOperation, protocol::WorkerClusterReport,
                              protocol::ContractOperation, protocol::InkCommand, protocol::CommandPayload, protocol::EncryptedData, protocol::WorkerRegistrationInfoV2,
                              protocol::WorkerEndpointPayload, light::Tip, light::FinalityProof, light::TrustRoot, light::Batch, worker::ContractQuery,
                              worker::query::Failure, worker::CertificateBody, SignedExtra, MultiSignature,
                              std::vector<std::pair<MessageOrigin, std::vector<SignedMessage>>>, std::map<Bytes, std::vector<std::optional<scale::Compact<u64>>>>,
                              std::pair<scale::Compact<u128>, std::vector<std::string>>>;

/// Calls `visit.operator()<T>(place)` for each.
template <class Visit, size_t... I>
void for_each_scale_type(Visit&& visit, std::index_sequence<I...>) {
  (visit.template operator()<std::tuple_element_t<I, ScaleTypes>>(I), ...);
}
template <class Visit>
void for_each_scale_type(Visit&& visit) {
  for_each_scale_type(visit, std::make_index_sequence<std::tuple_size_v<ScaleTypes>>());
}

}  // namespace phala::fuzz
