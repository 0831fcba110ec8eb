#include "api/proto_json.hpp"
#include "api/test_worker.hpp"
#include "seal/sealing.hpp"

namespace phala::worker {
namespace {

using namespace test;

TEST(ServiceTest, state_survives_a_restart_and_goes_on) {
  Running worker;
  worker.with_cluster();
  const Image before = image_of(*worker.service->machine());
  const Hash root = worker.service->machine()->cluster->state.root();
  worker.restart();
  EXPECT_EQ(image_of(*worker.service->machine()), before);
  EXPECT_EQ(worker.service->machine()->cluster->state.root(), root);
  worker.blocks(6);
  EXPECT_EQ(worker.service->machine()->tip.hash, worker.world.head_hash);
}

TEST(ServiceTest, a_folder_of_a_newer_contract_runtime_is_left_as_it_is) {
  Running worker;
  worker.with_cluster();
  worker.service.reset();
  const auto key = storage_key(worker.world.workers[0].identity);
  const auto version_key = concat(Bytes{'s'}, engine::key::runtime_version());
  const auto write = [&](engine::RuntimeVersion version) {   // what a build that has it would have written
    auto opened = StateStore::open(worker.files, key, random_fill);
    ASSERT_TRUE(opened.has_value());
    ASSERT_TRUE(opened->first.append({opened->second.height, worker.world.total, {{version_key, scale::encode(version)}}, {}}).has_value());
  };
  write({1, 3});
  const auto disk = worker.files.disk;
  ServiceConfig config;
  config.machine = worker.world.config;
  const auto started = Service::start(config, worker.world.workers[0].identity.clone(), no_evidence(), worker.files, worker.http, worker.metrics);
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::unavailable);
  EXPECT_EQ(started.error().text(), "worker state: cluster " + to_hex0x(worker.world.cluster) +
                                        ": the cluster needs contract runtime 1.3; this build has 1.0, 1.1, 1.2 "
                                        "(install a worker that has it and start it on the same folder; nothing was changed)");
  for (const auto& [name, bytes] : disk)
    if (name.starts_with("state-")) EXPECT_TRUE(worker.files.disk[name] == bytes) << name;
  // a build that has the version goes on from there
  write({1, 2});
  worker.restart();
  worker.blocks(3);
  EXPECT_EQ(worker.service->machine()->cluster->state.root(), worker.world.workers[0].machine.cluster->state.root());
}

TEST(ServiceTest, a_batch_that_cannot_be_written_is_not_taken) {
  Running worker;
  worker.blocks(2);
  worker.files.budget = 40;
  worker.files.keep_failing = false;
  const auto batch = scale::encode(worker.world.seal_block());
  EXPECT_EQ(worker.service->sync(batch).error().code, ErrorCode::unavailable);
  EXPECT_EQ(worker.service->machine()->tip.number, 2u);
  EXPECT_EQ(worker.service->not_ready(), "the disk refuses writes");
  EXPECT_EQ(worker.service->sync(batch).value_or(0), 4u);   // space again: the same batch
  EXPECT_NE(worker.service->not_ready(), "the disk refuses writes");
}

TEST(ServiceTest, bad_batches_are_refused_by_name) {
  Running worker;
  worker.blocks(1);
  EXPECT_EQ(worker.service->sync(Bytes{1, 2, 3}).error().code, ErrorCode::invalid_input);
  auto batch = worker.world.seal_block();
  batch.messages[0].now_ms += 1;
  EXPECT_EQ(worker.service->sync(scale::encode(batch)).error().code, ErrorCode::refused);
  EXPECT_EQ(worker.service->machine()->tip.number, 1u);
}

TEST(ServiceTest, many_snapshots_keep_everything) {
  Running worker;
  worker.service.reset();
  ServiceConfig config;
  config.machine = worker.world.config;
  config.snapshot_interval_s = 0;   // after every batch
  worker.service = std::move(*Service::start(config, worker.world.workers[0].identity.clone(), no_evidence(), worker.files, worker.http, worker.metrics));
  worker.with_cluster();
  const Image before = image_of(*worker.service->machine());
  worker.restart();
  EXPECT_EQ(image_of(*worker.service->machine()), before);
}

/// Emits its input as an event.
Bytes logging_code() {
  return engine::test::contract(engine::test::answering("(call $seal0.deposit_event (i32.const 0x300) (i32.const 0) (i32.const 0x1000) (local.get $n))"));
}
protocol::CommandPayload command_of(Bytes message) {
  return protocol::PlainCommand{protocol::InkCommand{protocol::InkMessage{Bytes(32, 5), std::move(message), 0, 100'000'000'000, {}}}};
}
TEST(ServiceTest, when_the_state_goes_back_each_record_is_still_shown_once) {
  Running worker;
  worker.with_cluster(logging_code());
  const auto system = *worker.service->machine()->cluster->system_contract();
  std::string frames;
  size_t after_two = 0;
  for (u8 i = 0; i < 4; ++i) {
    worker.world.command(system, command_of({i, 0, 0, 0}));
    worker.blocks(1);
    for (const auto& [name, bytes] : worker.files.disk)
      if (name.ends_with(".frames") && name.starts_with("state-")) frames = name;
    if (i == 1) after_two = worker.files.disk[frames].size();
  }
  const BlockNumber reached = worker.world.head.number;
  const auto outputs = [&] {
    std::vector<std::pair<u64, BlockNumber>> out;
    for (const auto& record : worker.log()["records"])
      if (record["type"] == "MessageOutput") out.emplace_back(record["sequence"], record["blockNumber"]);
    return out;
  };
  const auto before = outputs();
  ASSERT_EQ(before.size(), 4u);
  // the last two frames of the state are damaged; the log's own files are whole
  worker.service.reset();
  worker.files.disk[frames][after_two + 20] ^= 1;
  worker.restart();
  const BlockNumber back = worker.service->machine()->tip.number;
  ASSERT_EQ(back, reached - 2);
  for (const auto& [sequence, block] : outputs()) EXPECT_LE(block, back);
  const size_t left = outputs().size();
  EXPECT_EQ(left, 2u);
  worker.replay();
  EXPECT_EQ(worker.service->machine()->tip.number, reached);
  for (int restarts = 0; restarts < 2; ++restarts) {
    const auto after = outputs();
    ASSERT_EQ(after.size(), 4u);
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(after[i].second, before[i].second);
      EXPECT_TRUE(i < left ? after[i].first == before[i].first : after[i].first > before[3].first);   // numbers are not given twice
    }
    worker.restart();   // and the same from the disk
  }
}

TEST(ServiceTest, a_log_without_its_state_is_not_believed) {
  Running worker;
  worker.with_cluster(logging_code());
  worker.world.command(*worker.service->machine()->cluster->system_contract(), command_of({1, 0, 0, 0}));
  worker.blocks(1);
  EXPECT_FALSE(worker.log()["records"].empty());
  worker.service.reset();
  std::erase_if(worker.files.disk, [](const auto& file) { return file.first.starts_with("state-"); });
  worker.restart();
  worker.service.reset();
  for (const auto& [name, bytes] : worker.files.disk) EXPECT_FALSE(name.starts_with("log-")) << name;
}

TEST(ServiceTest, nothing_is_served_or_said_before_and_long_after_a_proof_of_what_the_chain_accepts) {
  Running worker;
  worker.with_cluster();
  worker.registered();
  EXPECT_FALSE(worker.service->not_ready().has_value()) << *worker.service->not_ready();
  const auto waiting = [&] {
    const auto egress = worker.get<rpc::GetEgressMessagesResponse>("GetEgressMessages");
    EXPECT_GE(egress.settle_keys_size(), 4);
    return scale::decode<std::vector<std::pair<MessageOrigin, std::vector<SignedMessage>>>>(as_bytes(egress.encoded_messages()))->size();
  };
  const auto info = [&] {
    const Asker asker(worker.world.key(0));
    return worker.call("ContractQuery", asker.request({{}, {}, query::SidevmMessage{to_bytes(R"({"action":"GetInfo"})")}}, true).SerializeAsString());
  };
  worker.world.pallet_says(protocol::topic::system_event, protocol::SystemEvent(protocol::WorkerEventWithKey{worker.world.key(0), protocol::BenchStart{1}}));
  worker.blocks(2);
  EXPECT_GE(waiting(), 1u);
  EXPECT_EQ(info().status, 200);

  worker.blocks(static_cast<int>(max_unread_blocks));
  EXPECT_EQ(waiting(), 0u);
  EXPECT_EQ(info().status, 500);
  EXPECT_NE(error_of(info()).find("which worker versions the network accepts"), std::string::npos);
  EXPECT_NE(worker.service->not_ready()->find("which worker versions"), std::string::npos);
  worker.settle();
  EXPECT_EQ(info().status, 200);

  worker.world.facts[requirement_keys()[0]] = scale::encode(std::tuple(u32{1}, u32{0}, u32{0}));
  worker.settle();
  EXPECT_EQ(waiting(), 0u);
  for (const auto& error : {error_of(info()), *worker.service->not_ready(), error_of(worker.call("GetRuntimeInfo", "")),
                            worker.service->sync(scale::encode(worker.world.seal_block())).error().text()}) {
    EXPECT_NE(error.find("this worker is too old: it is version 0.0.0, the network requires 1.0.0"), std::string::npos) << error;
    EXPECT_NE(error.find("upgrade phala-worker"), std::string::npos) << error;
  }
}

TEST(PrpcTest, get_info_has_what_the_sdk_reads) {
  Running worker;
  worker.with_cluster();
  const auto info = worker.get<rpc::PhactoryInfo>("GetInfo");
  EXPECT_TRUE(info.initialized());
  EXPECT_EQ(info.public_key(), to_hex(worker.world.key(0)));
  EXPECT_EQ(info.ecdh_public_key(), info.public_key());
  EXPECT_EQ(info.blocknum(), worker.world.head.number + 1);
  EXPECT_EQ(info.gatekeeper().role(), rpc::ACTIVE);
  EXPECT_EQ(info.system().number_of_clusters(), 1u);
  EXPECT_EQ(info.system().number_of_contracts(), 1u);
  const auto in_json = json::parse(worker.call("GetInfo", "", true).body);
  EXPECT_EQ(in_json["blocknum"], info.blocknum());
  EXPECT_EQ(in_json["public_key"], info.public_key());
  EXPECT_TRUE(in_json["pending_messages"].is_number());
  EXPECT_EQ(in_json["gatekeeper"]["role"], 2);
  const auto cluster = worker.get<rpc::GetClusterInfoResponse>("GetClusterInfo").info();
  EXPECT_EQ(cluster.id(), to_hex0x(worker.world.cluster));
  EXPECT_EQ(cluster.runtime_version(), "1.2");
  const auto contracts = worker.get<rpc::GetContractInfoResponse>("GetContractInfo", rpc::GetContractInfoRequest{});
  ASSERT_EQ(contracts.contracts_size(), 1);
  EXPECT_EQ(contracts.contracts(0).id(), cluster.system_contract());
}

TEST(PrpcTest, tells_the_contract_runtime_of_the_cluster_and_the_newest_there_is) {
  Running worker;
  worker.with_cluster(engine::test::contract(""), {1, 1});
  EXPECT_EQ(worker.get<rpc::GetClusterInfoResponse>("GetClusterInfo").info().runtime_version(), "1.1");
  EXPECT_EQ(worker.get<rpc::PhactoryInfo>("GetInfo").max_supported_pink_runtime_version(), "1.2");
}

TEST(PrpcTest, a_worker_without_a_cluster_says_so) {
  Running worker;
  EXPECT_FALSE(worker.get<rpc::GetClusterInfoResponse>("GetClusterInfo").has_info());
  EXPECT_TRUE(json::parse(worker.call("GetClusterInfo", "", true).body)["info"].is_null());
}

TEST(PrpcTest, contract_ids_are_computed_as_everywhere) {
  Running worker;
  // docs/protocol.md §13.1
  const std::string ones = to_hex(Bytes(32, 1));
  rpc::ContractParameters request;
  request.set_deployer("0x" + ones);
  request.set_cluster_id(ones);
  request.set_code_hash(ones);
  request.set_salt("010203");
  const auto id = worker.get<rpc::ContractId>("CalculateContractId", request);
  EXPECT_EQ(id.id(), to_hex0x(protocol::contract_id(AccountId(Bytes(32, 1)), Hash(Bytes(32, 1)), Hash(Bytes(32, 1)), Bytes{1, 2, 3})));
  request.set_salt("xyz");
  EXPECT_EQ(worker.call("CalculateContractId", request.SerializeAsString()).status, 400);
}

TEST(PrpcTest, queries_run_and_failures_are_told) {
  Running worker;
  worker.with_cluster();
  const Asker asker(worker.world.key(0));
  const auto system = *worker.service->machine()->cluster->system_contract();
  const auto response = worker.get<rpc::ContractQueryResponse>("ContractQuery", asker.request({system, {}, query::InkMessage{{1, 2, 3, 4}, 0, 0, false}}, true));
  EXPECT_EQ(response.blocknum(), worker.world.head.number + 1);
  EXPECT_EQ(response.blockhash(), as_text(worker.world.head_hash));
  EXPECT_TRUE(asker.open(response).starts_with("0000")) << asker.open(response);
  EXPECT_EQ(asker.open(worker.get<rpc::ContractQueryResponse>("ContractQuery", asker.request({system, {}, query::InkMessage{}}, false))), "0100");
  const ContractQuery log_info{{}, {}, query::SidevmMessage{to_bytes(R"({"action":"GetInfo"})")}};
  EXPECT_EQ(asker.open(worker.get<rpc::ContractQueryResponse>("ContractQuery", asker.request(log_info, false))), "0100");   // the log too wants to know who asks
  const auto logs = worker.get<rpc::ContractQueryResponse>("ContractQuery", asker.request(log_info, true));
  EXPECT_NE(std::string(as_text(*from_hex(asker.open(logs)))).find("nextSequence"), std::string::npos);

  const auto unknown = worker.call("ContractQuery", asker.request({Hash(Bytes(32, 5)), {}, query::InkMessage{}}, true).SerializeAsString());
  EXPECT_EQ(unknown.status, 500);
  EXPECT_TRUE(error_of(unknown).starts_with("ContractNotFound"));
  auto forged = asker.request({system, {}, query::InkMessage{}}, true);
  forged.mutable_signature()->mutable_signature()->at(3) ^= 1;
  EXPECT_EQ(error_of(worker.call("ContractQuery", forged.SerializeAsString())), "Verifying signature failed: InvalidSignature");
  forged.mutable_signature()->set_signature_type(77);
  EXPECT_EQ(error_of(worker.call("ContractQuery", forged.SerializeAsString())), "Verifying signature failed: InvalidSignatureType");
  forged.mutable_signature()->clear_signed_by();
  EXPECT_EQ(error_of(worker.call("ContractQuery", forged.SerializeAsString())), "Verifying signature failed: CertificateMissing");
  const auto garbage = worker.call("ContractQuery", "\xff\xff");
  EXPECT_EQ(garbage.status, 400);
  EXPECT_TRUE(error_of(garbage).starts_with("DecodeError("));
  EXPECT_EQ(worker.call("ContractQuery", rpc::ContractQueryRequest{}.SerializeAsString()).status, 400);
  rpc::StatisticsRequest which;
  const auto rows = [&] { return worker.get<rpc::StatisticsResponse>("Statistics", which).query_by_contract_size(); };
  EXPECT_EQ(worker.get<rpc::StatisticsResponse>("Statistics").query().total(), 4u);
  EXPECT_EQ(rows(), 0);
  for (const auto& name : {to_hex0x(system), to_hex(system), std::string("0x12"), to_hex0x(Hash(Bytes(32, 5)))}) which.add_contracts(name);
  EXPECT_EQ(rows(), 1);
  which.set_all(true);
  EXPECT_EQ(rows(), 2);   // the log server's id and the contract's
  while (which.contracts_size() <= 1000) which.add_contracts("0x00");
  EXPECT_EQ(worker.call("Statistics", which.SerializeAsString()).status, 400);
}

TEST(PrpcTest, the_relay_carries_registration_endpoints_and_messages) {
  Running worker;
  EXPECT_EQ(worker.call("GetRuntimeInfo", "").status, 500);   // not before it met the chain
  worker.with_cluster();
  rpc::GetRuntimeInfoRequest request;
  request.set_encoded_operator(std::string(32, 'o'));
  const auto info = worker.get<rpc::InitRuntimeResponse>("GetRuntimeInfo", request);
  const auto registration = scale::decode<protocol::WorkerRegistrationInfoV2>(as_bytes(info.encoded_runtime_info()));
  ASSERT_TRUE(registration.has_value());
  EXPECT_EQ(registration->pubkey, worker.world.key(0));
  EXPECT_EQ(registration->genesis_block_hash, worker.world.config.trust.genesis_hash);
  EXPECT_EQ(*registration->operator_, AccountId(Bytes(32, 'o')));
  EXPECT_EQ(info.attestation().encoded_report(), std::string(1, '\0'));
  request.set_encoded_operator("short");
  EXPECT_EQ(worker.call("GetRuntimeInfo", request.SerializeAsString()).status, 400);

  EXPECT_FALSE(worker.get<rpc::GetEndpointResponse>("GetEndpointInfo").has_signature());
  rpc::AddEndpointRequest endpoint;
  endpoint.set_encoded_endpoint_type("\1");
  endpoint.set_endpoint("http://127.0.0.1:8000");
  const auto bound = worker.get<rpc::GetEndpointResponse>("AddEndpoint", endpoint);
  const auto payload = scale::decode<protocol::WorkerEndpointPayload>(as_bytes(bound.encoded_endpoint_payload()));
  ASSERT_TRUE(payload.has_value());
  EXPECT_EQ(payload->signing_time, worker.service->machine()->tip.now_ms);
  EXPECT_TRUE(crypto::sr25519_verify(crypto::Signature(as_bytes(bound.signature())), wrap_content(as_bytes(bound.encoded_endpoint_payload()), SignedContent::endpoint_info), worker.world.key(0)));
  endpoint.set_endpoint(std::string(3000, 'x'));
  EXPECT_EQ(worker.call("AddEndpoint", endpoint.SerializeAsString()).status, 400);
  EXPECT_EQ(worker.service->endpoints().size(), 1u);

  const auto& signed_again = worker.get<rpc::GetEndpointResponse>("RefreshEndpointSigningTime");
  worker.world.pallet_says(protocol::topic::system_event, protocol::SystemEvent(protocol::WorkerEventWithKey{worker.world.key(0), protocol::BenchStart{1}}));
  worker.blocks(2);
  const auto refreshed = worker.get<rpc::GetEndpointResponse>("RefreshEndpointSigningTime");
  EXPECT_GT(scale::decode<protocol::WorkerEndpointPayload>(as_bytes(refreshed.encoded_endpoint_payload()))->signing_time,
            scale::decode<protocol::WorkerEndpointPayload>(as_bytes(signed_again.encoded_endpoint_payload()))->signing_time);

  const auto egress = worker.get<rpc::GetEgressMessagesResponse>("GetEgressMessages");
  const auto messages = scale::decode<std::vector<std::pair<MessageOrigin, std::vector<SignedMessage>>>>(as_bytes(egress.encoded_messages()));
  ASSERT_TRUE(messages.has_value() && !messages->empty());
  EXPECT_EQ(egress.tip_hash(), as_text(worker.world.head_hash));
  EXPECT_FALSE(egress.more());
  while (worker.world.head.number % random_interval != 2) worker.blocks(1);   // when the gatekeepers have said nothing for two blocks
  std::vector<Bytes> keys;
  const auto fresh = worker.get<rpc::GetEgressMessagesResponse>("GetEgressMessages");
  for (const auto& key : fresh.settle_keys()) keys.push_back(to_bytes(as_bytes(key)));
  std::sort(keys.begin(), keys.end());
  rpc::SettleEgressRequest settle;
  for (const auto& node : trie::prove(worker.world.last_state, keys)) settle.add_proof(std::string(as_text(node)));
  EXPECT_EQ(worker.get<rpc::SettleEgressResponse>("SettleEgress", settle).pending_messages(), 0u);
  worker.restart();
  EXPECT_EQ(pending(worker.service->machine()->egress), 0u);
  rpc::InitRuntimeRequest init;
  init.set_encoded_genesis_block_hash(std::string(32, 'x'));
  EXPECT_EQ(worker.call("InitRuntime", init.SerializeAsString()).status, 500);
}

TEST(PrpcTest, a_worker_tells_its_own_state_alone) {
  Running worker;
  worker.with_cluster();
  worker.registered();
  worker.world.pallet_says(protocol::topic::system_event, protocol::SystemEvent(protocol::WorkerEventWithKey{worker.world.key(0), protocol::BenchStart{50}}));
  worker.world.pallet_says(protocol::topic::system_event, protocol::SystemEvent(protocol::WorkerEventWithKey{worker.world.key(0), protocol::Started{7, {}, 0}}));
  worker.blocks(1);
  rpc::GetWorkerStateRequest request;
  request.set_public_key(std::string(as_text(worker.world.key(0))));
  const auto state = worker.get<rpc::WorkerState>("GetWorkerState", request);
  EXPECT_TRUE(state.registered());
  EXPECT_FALSE(state.unresponsive());
  EXPECT_EQ(state.bench_state().duration(), 50u);
  EXPECT_EQ(state.working_state().session_id(), 7u);
  request.set_public_key(std::string(32, 'x'));
  EXPECT_NE(error_of(worker.call("GetWorkerState", request.SerializeAsString())).find("not available in this version"), std::string::npos);
}

TEST(PrpcTest, the_clusters_root_is_the_blocks) {
  Running worker;
  worker.with_cluster(logging_code());
  const auto root = [&] { return worker.get<rpc::GetClusterInfoResponse>("GetClusterInfo").info().state_root(); };
  const std::string before = root();
  EXPECT_EQ(before, to_hex0x(worker.service->machine()->cluster->state.root()));
  worker.world.command(*worker.service->machine()->cluster->system_contract(), command_of({1, 0, 0, 0}));
  worker.blocks(1);
  EXPECT_NE(root(), before);
  EXPECT_EQ(root(), to_hex0x(worker.service->machine()->cluster->state.root()));
}

TEST(ProtoJsonTest, shapes_are_those_of_the_interface) {
  rpc::ContractQueryRequest request;
  ASSERT_TRUE(from_json(R"({"encoded_encrypted_data":[1,255],"signature":{"signed_by":{"encoded_body":[7],"signature":null},"signature_type":1,"signature":[2]},"unknown":5})", request).has_value());
  EXPECT_EQ(request.encoded_encrypted_data(), "\x01\xff");
  EXPECT_TRUE(request.signature().has_signed_by());
  EXPECT_FALSE(request.signature().signed_by().has_signature());
  rpc::ContractQueryRequest back;
  ASSERT_TRUE(from_json(to_json(request), back).has_value());
  EXPECT_EQ(back.SerializeAsString(), request.SerializeAsString());
  rpc::ContractQueryRequest empty;
  EXPECT_TRUE(from_json("", empty).has_value());
  for (const char* bad : {"[", "7", R"({"encoded_encrypted_data":"x"})", R"({"encoded_encrypted_data":[256]})", R"({"signature":{"signature_type":"1"}})", R"({"signature":[]})"})
    EXPECT_EQ(from_json(bad, empty).error().code, ErrorCode::invalid_input) << bad;
  std::string deep = "null";
  for (int i = 0; i < 40; ++i) deep = R"({"signed_by":{"signature":)" + deep + "}}";
  EXPECT_FALSE(from_json(R"({"signature":)" + deep + "}", empty).has_value());
}

TEST(QueryPoolTest, every_job_is_run_or_refused_once) {
  std::atomic<int> ran = 0, refused = 0;
  std::atomic<bool> go = false;
  {
    QueryPool pool({.running = 3, .waiting = 5, .opening = 1, .unopened = 1});
    for (int i = 0; i < 200; ++i)
      pool.submit(Hash(Bytes(32, static_cast<u8>(i % 4))), 1, [&] {
        go.wait(false);
        ++ran;
      }, [&] { ++refused; });
    EXPECT_GE(refused, 192);   // three may run and five wait; the others find no room
    go = true;
    go.notify_all();
    while (ran < 5) std::this_thread::yield();   // what waited had been accepted, so it will run
  }
  EXPECT_EQ(ran + refused, 200);
}

TEST(QueryPoolTest, what_is_opened_runs_and_the_rest_finds_no_room) {
  std::atomic<int> opened = 0, ran = 0;
  std::atomic<bool> go = false;
  QueryPool pool({.running = 2, .waiting = 1000, .opening = 2, .unopened = 10});
  const auto open_one = [&] {
    return pool.open([&] {
      go.wait(false);
      ++opened;
      pool.submit({}, 1, [&] { ++ran; }, [] { ADD_FAILURE() << "there is room"; });
    });
  };
  int accepted = 0;
  for (int i = 0; i < 200; ++i) accepted += open_one();
  EXPECT_GE(accepted, 10);
  EXPECT_LE(accepted, 12) << "two are opened, ten wait";
  go = true;
  go.notify_all();
  while (ran < accepted) std::this_thread::yield();
  for (int i = 0; i < 1'000;) i += open_one();   // nobody is forgotten while threads come and go
  while (ran < accepted + 1'000) std::this_thread::yield();
  EXPECT_EQ(opened, ran);
}

TEST(QueryPoolTest, what_is_not_opened_is_dropped_at_the_end) {
  std::atomic<bool> go = false;
  const auto kept = std::make_shared<int>();
  QueryPool pool({.running = 1, .waiting = 1, .opening = 1, .unopened = 5});
  for (int i = 0; i < 6; ++i) static_cast<void>(pool.open([&go, kept] { go.wait(false); }));
  std::thread end([&] { pool.stop(); });
  while (kept.use_count() > 2) std::this_thread::yield();   // this one and the one that is being opened
  go = true;
  go.notify_all();
  end.join();
  EXPECT_EQ(kept.use_count(), 1);
  EXPECT_FALSE(pool.open([] {}));
}

TEST(RegistrationTest, evidence_is_kept_until_something_changes) {
  int made = 0;
  Registration registration({}, {"null", [&](const Hash&, u64) -> Result<Bytes> {
    ++made;
    return Bytes{0};
  }});
  ASSERT_TRUE(registration.get({}, false, 100).has_value());
  ASSERT_TRUE(registration.get({}, false, 3699).has_value());
  EXPECT_EQ(made, 1);
  ASSERT_TRUE(registration.get({}, false, 3700).has_value());
  EXPECT_EQ(made, 2);
  ASSERT_TRUE(registration.get(AccountId(Bytes(32, 1)), false, 3701).has_value());
  EXPECT_EQ(made, 3);
  ASSERT_TRUE(registration.get(AccountId(Bytes(32, 1)), false, 3702).has_value());
  EXPECT_EQ(made, 3);
  ASSERT_TRUE(registration.get({}, true, 3702).has_value());
  EXPECT_EQ(made, 4);
}

TEST(BenchmarkTest, it_counts_only_while_it_runs) {
  Benchmark benchmark(1);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(benchmark.iterations(), 0u);
  benchmark.run(true);
  for (int i = 0; i < 500 && benchmark.iterations() < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_GE(benchmark.iterations(), 2u);
}

}  // namespace
}  // namespace phala::worker
