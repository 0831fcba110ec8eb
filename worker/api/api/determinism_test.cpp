// The same blocks give the same state, events and gas: on one query thread and on eight, beside queries, and when the worker starts anew from its disk
// after every block, or goes on from an old one.
#include <random>

#include "api/test_worker.hpp"
#include "crypto/hash.hpp"
#include "seal/image_files.hpp"
#include "seal/sealing.hpp"

namespace phala::worker {
namespace {

using namespace test;
using protocol::ContractId;

/// Emits its input as a pink event.
Bytes system_code() {
  return engine::test::contract(engine::test::answering("(call $seal0.deposit_event (i32.const 0x300) (i32.const 33) (i32.const 0x1000) (local.get $n))") +
                                "(data (i32.const 0x300) \"\\04@phala.pink.event\")");
}

namespace op {
constexpr u8 store = 1, trap = 2, spin = 3, end = 4, clear = 5, call = 6, make = 7, say = 8, extend = 9, revert = 10, fetch = 11, pay = 12, delegate = 13, compute = 14, become = 15;
}
/// Does what the first byte of its input says, with the rest; answers what that gave.
Bytes mill_code() {
  const auto when = [](u8 what, const std::string& text) { return "(if (i32.eq (local.get $c) (i32.const " + std::to_string(what) + ")) (then " + text + "))\n"; };
  static const Bytes code = engine::test::contract(engine::test::answering(
      "(local.set $c (i32.load8_u (i32.const 0x1000)))\n" +
      when(op::store, "(i32.store (i32.const 0x2000) (call $seal2.set_storage (i32.const 0x1001) (i32.const 1) (i32.const 0x1002) (i32.sub (local.get $n) (i32.const 2))))") +
      when(op::trap, "(unreachable)") + when(op::spin, "(loop $l (br $l))") + when(op::end, "(call $seal1.terminate (i32.const 0x1001))") +
      when(op::clear, "(i32.store (i32.const 0x2000) (call $seal1.clear_storage (i32.const 0x1001) (i32.const 1)))") +
      when(op::call, "(i32.store (i32.const 0x2000) (call $seal1.call (i32.const 8) (i32.const 0x1001) (i64.const 0) (i32.const 0x200) (i32.const 0x1021)"
                     " (i32.sub (local.get $n) (i32.const 33)) (i32.const -1) (i32.const 0)))") +
      when(op::make, "(i32.store (i32.const 0x2000) (call $seal1.instantiate (i32.const 0x1001) (i64.const 0) (i32.const 0x200) (i32.const 0) (i32.const 0) (i32.const -1)"
                     " (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 0x1021) (i32.const 4)))") +
      when(op::say, "(call $seal0.deposit_event (i32.const 0) (i32.const 0) (i32.const 0x1001) (i32.sub (local.get $n) (i32.const 1)))") +
      when(op::extend, "(i32.store (i32.const 0xff0) (i32.const 0x800)) (i32.store (i32.const 0x2000) (call $seal0.call_chain_extension (i32.load (i32.const 0x1001))"
                       " (i32.const 0x1005) (i32.sub (local.get $n) (i32.const 5)) (i32.const 0x2004) (i32.const 0xff0)))"
                       " (local.set $b (i32.load (i32.const 0xff0)))") +
      when(op::revert, "(drop (call $seal2.set_storage (i32.const 0x1001) (i32.const 1) (i32.const 0x1000) (local.get $n)))"
                       " (call $seal0.seal_return (i32.const 1) (i32.const 0x1000) (local.get $n))") +
      when(op::fetch, "(i32.store (i32.const 0xff0) (i32.const 0x800)) (i32.store (i32.const 0x2000) (call $seal1.get_storage (i32.const 0x1001) (i32.const 1) (i32.const 0x2004) (i32.const 0xff0)))"
                      " (if (i32.eqz (i32.load (i32.const 0x2000))) (then (local.set $b (i32.load (i32.const 0xff0)))))") +
      when(op::pay, "(i32.store (i32.const 0x2000) (call $seal0.transfer (i32.const 0x1001) (i32.const 32) (i32.const 0x1021) (i32.const 16)))") +
      when(op::delegate, "(i32.store (i32.const 0x2000) (call $seal0.delegate_call (i32.const 0) (i32.const 0x1001) (i32.const 0x1021) (i32.sub (local.get $n) (i32.const 33))"
                         " (i32.const -1) (i32.const 0)))") +
      when(op::compute, "(local.set $a (i32.load (i32.const 0x1001)))"
                        " (loop $l (call $seal0.hash_blake2_256 (i32.const 0x2004) (i32.const 32) (i32.const 0x2004)) (local.set $a (i32.sub (local.get $a) (i32.const 1))) (br_if $l (local.get $a)))"
                        " (local.set $b (i32.const 32))") +
      when(op::become, "(i32.store (i32.const 0x2000) (call $seal0.set_code_hash (i32.const 0x1001)))") +
      "(local.set $end (i32.add (i32.const 0x2004) (local.get $b)))"));
  return code;
}
/// Another code: answers and stores nothing but a letter.
Bytes other_code() {
  static const Bytes code = engine::test::contract(engine::test::answering(R"(
    (i32.store8 (i32.const 0x300) (i32.const 111))
    (drop (call $seal2.set_storage (i32.const 0x300) (i32.const 1) (i32.const 0x300) (i32.const 1))))"));
  return code;
}

/// The sealed store of compiled code; counts what came from it.
struct CountedImages final : engine::ImageStore {
  std::unique_ptr<ImageFiles> files;
  std::atomic<int> found = 0;
  std::optional<Bytes> get(const Hash& name) override {
    auto image = files->get(name);
    found += image.has_value();
    return image;
  }
  void put(const Hash& name, ByteView image) override { files->put(name, image); }
};

/// One worker of the cluster, as the program runs it.
struct Member {
  World& world;
  const size_t index;
  const u32 threads;
  const u64 snapshot_frame_bytes;
  MemoryFiles disk{}, compiled{};
  CountedImages images{};
  egress::HttpEgress http{{}};
  Metrics metrics{};
  std::unique_ptr<Service> service{};
  std::atomic<int> answered = 0;   ///< queries

  Member(World& world_, size_t index_, u32 threads_, u64 snapshot_bytes) : world(world_), index(index_), threads(threads_), snapshot_frame_bytes(snapshot_bytes) { restart(); }
  const Sr25519Pair& identity() const { return world.workers[index].identity; }
  void restart() {
    service.reset();
    auto opened = ImageFiles::open(compiled, storage_key(identity()), random_fill, 64u << 20);
    ASSERT_TRUE(opened.has_value());
    images.files = std::move(*opened);
    ServiceConfig config;
    config.machine = world.config;
    config.query_timeout_s = 60;
    config.query_threads = threads;
    config.images = &images;
    config.snapshot_frame_bytes = snapshot_frame_bytes;
    auto started = Service::start(config, identity().clone(), no_evidence(), disk, http, metrics);
    ASSERT_TRUE(started.has_value()) << started.error().text();
    service = std::move(*started);
  }
  const Machine& machine() const { return *service->machine(); }
  /// The plain answer, or nothing when the worker was ended meanwhile.
  std::future<std::optional<Bytes>> ask(const ContractQuery& query) {
    const auto asker = std::make_shared<Asker>(identity().public_key());
    const auto request = asker->request(query, true);
    const auto& signature = request.signature();
    SignatureChain chain{{to_bytes(as_bytes(signature.signed_by().encoded_body())), SignatureType::sr25519, to_bytes(as_bytes(signature.signature()))}};
    const auto promise = std::make_shared<std::promise<std::optional<Bytes>>>();
    auto answer = promise->get_future();
    service->query(to_bytes(as_bytes(request.encoded_encrypted_data())), std::move(chain), [this, asker, promise](Result<Service::Answer> got) {
      if (!got) return promise->set_value(std::nullopt);
      ++answered;
      rpc::ContractQueryResponse response;
      response.set_encoded_encrypted_data(std::string(as_text(got->encrypted)));
      promise->set_value(*from_hex(asker->open(response)));
    });
    return answer;
  }
  /// What the log has of a block, without what queries logged meanwhile, and without numbers, which those took too.
  json records_of(BlockNumber block) {
    json out = json::array();
    for (u64 from = 0;;) {
      const json request{{"action", "GetLog"}, {"blockNumber", block}, {"from", from}};
      const auto answer = ask({Hash{}, {}, query::SidevmMessage{to_bytes(request.dump())}}).get();
      EXPECT_TRUE(answer.has_value());
      const json page = json::parse(as_text(*scale::decode<Bytes>(ByteView(*answer).subspan(2))));
      for (json record : page.at("records")) {
        record.erase("sequence");
        if (record.value("execMode", "transaction") == "transaction") out.push_back(std::move(record));
      }
      if (page.at("records").empty() || page.at("next") == from) return out;
      from = page.at("next");
    }
  }
};

/// A block's worth of what may happen in a cluster, under a seed.
struct Traffic {
  World& world;
  std::mt19937 random{20};
  std::vector<ContractId> contracts{};
  u32 salts = 0;

  u32 below(u32 n) { return static_cast<u32>(random() % n); }
  u8 byte() { return static_cast<u8>(random()); }
  Bytes some(u32 most) {
    Bytes out(1 + below(most));
    for (auto& b : out) b = byte();
    return out;
  }
  const ContractId& any() { return contracts[below(static_cast<u32>(contracts.size()))]; }
  Hash code() { return crypto::blake2_256(below(3) ? mill_code() : other_code()); }

  /// What a message asks for; with `little_gas` it may be to spend it all.
  Bytes order(bool little_gas, int depth = 0) {
    const u8 what = static_cast<u8>(1 + below(depth ? 16 : 15));   // 16: nothing that is known
    if (what == op::spin && !little_gas) return {op::trap};
    switch (what) {
      case op::store: return concat(Bytes{what, static_cast<u8>(below(20))}, some(200));
      case op::end: return below(3) ? Bytes{op::fetch, 1} : concat(Bytes{what}, Bytes(32, 0xb0));
      case op::clear: case op::fetch: return {what, static_cast<u8>(below(20))};
      case op::call: case op::delegate: return concat(Bytes{what}, what == op::call ? any() : code(), depth < 4 ? order(false, depth + 1) : Bytes{op::say, 1});
      case op::make: {
        const Hash made = code();
        const Bytes salt = scale::encode(++salts);
        return concat(Bytes{what}, made, salt);
      }
      case op::extend: {   // derives a key, logs, asks for what there is not
        static const std::vector<Bytes> calls{concat(scale::encode(u32{4}), scale::encode(Bytes{1, 2})), concat(scale::encode(u32{10}), Bytes{3}, scale::encode(std::string("logged"))), scale::encode(u32{99})};
        return concat(Bytes{what}, calls[below(3)]);
      }
      case op::pay: return concat(Bytes{what}, Bytes(32, static_cast<u8>(0xb0 + below(6))), scale::encode(u128{below(1000)}));
      case op::compute: return concat(Bytes{what}, scale::encode(u32{1 + below(300)}));
      case op::become: return concat(Bytes{what}, code());
      default: return concat(Bytes{what, static_cast<u8>(below(20))}, some(40));
    }
  }
  void command(const ContractId& to, Bytes message, u64 gas, const MessageOrigin& from = user(0xb0), u128 value = 0, std::optional<u128> deposit = {}) {
    world.command(to, protocol::PlainCommand{protocol::InkCommand{protocol::InkMessage{some(32), std::move(message), value, gas, deposit}}}, from);
  }
  void command() {
    static constexpr u64 gas[] = {200'000'000'000, 200'000'000'000, 100'000'000'000, 60'000'000'000, 20'000'000'000, 30'000'000};
    const auto from = below(12) == 0 ? pallet : user(static_cast<u8>(0xb0 + below(5)));   // the last of them has nothing
    const ContractId to = below(15) == 0 ? Hash(Bytes(32, byte())) : any();
    const Bytes message = order(true);
    const u64 limit = message[0] == op::spin ? 1'500'000'000 : gas[below(6)];
    const std::optional<u128> deposit = below(5) == 0 ? std::optional<u128>(below(3000)) : std::nullopt;
    command(to, message, limit, from, below(4) == 0 ? below(5000) : 0, deposit);
  }
  void tell_system(const ContractId& system, const engine::PinkEvent& event) {
    command(system, scale::encode(event), 100'000'000'000, user(0xa1));
  }
  void hook(const ContractId& system, const ContractId& contract, u32 selector, u64 gas = 1'000'000'000) {
    world.operate(protocol::Deposit{world.cluster, contract.as<AccountId>(), u128{100'000'000'000}});   // it pays for itself
    tell_system(system, engine::SetHook{0, contract.as<AccountId>(), selector, gas});
  }
  /// Sent for the next block.
  void block(const ContractId& system) {
    for (u32 n = 3 + below(6); n-- > 0;) command();
    static constexpr u32 hooks[] = {0x01050102, 0x02000000, 0x03000000, 0x03000000, 0x03000000, 0x08010203};
    hook(system, any(), hooks[below(6)], below(8) ? 1'000'000'000 : 0);
    if (below(3) == 0) tell_system(system, engine::SetContractWeight{any().as<AccountId>(), below(4)});
    if (below(3) == 0) world.operate(protocol::Deposit{world.cluster, AccountId(Bytes(32, static_cast<u8>(0xb0 + below(5)))), u128{1'000'000'000'000} + below(1000)});
    if (below(2)) deploy(below(5) ? code() : Hash(Bytes(32, 1)));
    if (below(6) == 0) world.operate(protocol::UploadResource{AccountId(Bytes(32, 0xb0)), world.cluster, protocol::ResourceType::ink_code, some(60)});
  }
  void deploy(const Hash& made) {
    const u8 deployer = static_cast<u8>(0xb0 + below(3));
    protocol::InstantiateCode order{{AccountId(Bytes(32, deployer)), protocol::WasmCode{made}, scale::encode(++salts), world.cluster, {}}, u128{10'000'000'000'000}, 100'000'000'000, {}};
    world.pallet_says(protocol::topic::contract_operation, protocol::ContractOperation(order));
  }
};

struct DeterminismTest : testing::Test {
  World world{3};
  std::vector<std::unique_ptr<Member>> members;
  Traffic traffic{world};

  void SetUp() override {
    world.config.hook_gas_per_block = 4'000'000'000;
    members.push_back(std::make_unique<Member>(world, 0, 1, 64u << 20));
    members.push_back(std::make_unique<Member>(world, 1, 8, 64u << 20));
    members.push_back(std::make_unique<Member>(world, 2, 2, 60'000));   // writes snapshots, too
  }
  void block() {
    const Bytes batch = scale::encode(world.seal_block());
    chain.push_back(batch);
    for (const auto& member : members) {
      const auto synced = member->service->sync(batch);
      ASSERT_TRUE(synced.has_value()) << synced.error().text();
    }
    for (const auto& member : members)
      for (const auto& [sender, channel] : member->machine().egress)
        for (const auto& m : channel.messages) world.take(m);
  }
  void blocks(int n) {
    while (n-- > 0) block();
  }
  ContractId system() const { return *members[0]->machine().cluster->system_contract(); }
  void set_up() {
    world.pallet_says(protocol::topic::gatekeeper_launch, protocol::GatekeeperLaunch(protocol::FirstGatekeeper{world.key(0), world.key(0)}));
    blocks(3);
    protocol::DeployCluster event{};
    event.cluster = world.cluster;
    event.owner = AccountId(Bytes(32, 0xa1));
    event.deposit = u128{1'000'000'000'000'000};
    event.gas_price = 1;
    event.deposit_per_item = 100;
    event.deposit_per_byte = 7;
    event.treasury_account = AccountId(Bytes(32, 0x77));
    event.system_code = system_code();
    event.runtime_version = {1, 2};
    for (size_t i = 0; i < members.size(); ++i) event.workers.push_back({world.key(i), world.key(i)});
    world.pallet_says(protocol::topic::cluster_event, protocol::ClusterEvent(event));
    blocks(3);
    for (u8 n = 0; n < 4; ++n) world.operate(protocol::Deposit{world.cluster, AccountId(Bytes(32, static_cast<u8>(0xb0 + n))), u128{1'000'000'000'000'000}});
    for (const auto& code : {mill_code(), other_code()}) world.operate(protocol::UploadResource{AccountId(Bytes(32, 0xb0)), world.cluster, protocol::ResourceType::ink_code, code});
    for (int n = 0; n < 9; ++n) traffic.deploy(crypto::blake2_256(mill_code()));
    blocks(2);
    for (const auto& member : members) {
      ASSERT_TRUE(member->machine().cluster.has_value());
      const auto settled = member->service->settle(world.proof_for({member->identity().clone(), {}, member->machine()}));
      ASSERT_TRUE(settled.has_value()) << settled.error().text();
    }
  }
  /// Those that are there, whoever made them.
  void know_contracts() {
    traffic.contracts.clear();
    for (const auto& [id, entry] : members[0]->machine().cluster->contracts)
      if (id != system()) traffic.contracts.push_back(id);
  }
  std::vector<std::future<std::optional<Bytes>>> queries() {
    std::vector<std::future<std::optional<Bytes>>> out;
    for (const auto& member : members)
      for (int n = 0; n < 8; ++n) {
        const Bytes message = n % 2 ? traffic.order(false) : concat(Bytes{op::compute}, scale::encode(u32{4'000}));
        out.push_back(member->ask({traffic.any(), {}, query::InkMessage{message, u128{1'000'000'000'000'000}, 0, n == 7}}));
      }
    return out;
  }
  static std::vector<std::pair<Bytes, Bytes>> said_by_cluster(const Machine& machine) {
    std::vector<std::pair<Bytes, Bytes>> out;
    if (const auto at = machine.egress.find(origin::Cluster{machine.cluster->id}); at != machine.egress.end())
      for (const auto& m : at->second.messages) out.emplace_back(m.message.destination, m.message.payload);
    return out;
  }
  void expect_one_state() {
    const Machine& first = members[0]->machine();
    const json records = members[0]->records_of(world.head.number);
    for (size_t i = 1; i < members.size(); ++i) {
      SCOPED_TRACE("worker " + std::to_string(i) + ", block " + std::to_string(world.head.number));
      const Machine& other = members[i]->machine();
      EXPECT_EQ(other.cluster->state.root(), first.cluster->state.root());
      EXPECT_TRUE(other.cluster->contracts == first.cluster->contracts);
      EXPECT_EQ(members[i]->records_of(world.head.number).dump(1), records.dump(1));
      EXPECT_EQ(said_by_cluster(other), said_by_cluster(first));
    }
    for (const auto& record : records) {
      ++seen[record.at("type")];
      if (record.at("type") != "MessageOutput") continue;
      const Bytes output = *from_hex(record.at("output").get<std::string>().substr(2));
      for (const size_t selector : {4, 3, 2, 1, 0}) {   // up to four bytes of the message follow the result
        const auto result = engine::decode_call_result(ByteView(output).first(output.size() - std::min(selector, output.size())));
        if (!result) continue;
        ++seen[result->result ? result->result->reverted() ? "reverted" : "succeeded" : engine::to_string(result->result.error())];
        EXPECT_GT(result->gas_required.ref_time.value + 1, result->gas_consumed.ref_time.value);
        break;
      }
    }
  }
  u64 metric(const Member& member, const std::string& name) const {
    const std::string text = member.metrics.render();
    const size_t at = text.find("\n" + name + " ");
    return at == text.npos ? 0 : std::stoull(text.substr(at + name.size() + 2));
  }
  std::vector<Bytes> chain;          ///< all blocks, as a relay brings them
  std::map<std::string, int> seen;   ///< kinds of records, and how messages ended
};

TEST_F(DeterminismTest, the_same_blocks_give_the_same_state_events_and_gas) {
  set_up();
  std::set<ContractId> ever;
  std::map<BlockNumber, Hash> roots;
  std::map<BlockNumber, std::map<std::string, Bytes>> disks;
  for (int n = 0; n < 60 && !HasFailure(); ++n) {
    know_contracts();
    ever.insert(traffic.contracts.begin(), traffic.contracts.end());
    if (n == 5)   // more than a block has gas for
      for (const auto& id : traffic.contracts) traffic.hook(system(), id, 0x03000000);
    if (n == 15) traffic.command(traffic.any(), concat(Bytes{op::end}, Bytes(32, 0xb0)), 100'000'000'000);
    traffic.block(system());
    auto asked = queries();
    block();
    members[2]->restart();   // in the middle of its queries
    for (auto& answer : asked) answer.wait();
    expect_one_state();
    roots[world.head.number] = members[0]->machine().cluster->state.root();
    if (n % 6 == 0) disks[world.head.number] = members[2]->disk.disk;
  }
  // whoever goes on from an old disk comes the same way
  for (const auto& [height, disk] : disks) {
    Member again(world, 2, 4, 64u << 20);
    again.disk.disk = disk;
    again.restart();
    ASSERT_EQ(again.machine().tip.number, height);
    for (size_t n = height; n < chain.size(); ++n) {
      ASSERT_TRUE(again.service->sync(chain[n]).has_value());
      ASSERT_EQ(again.machine().cluster->state.root(), roots.at(static_cast<BlockNumber>(n + 1))) << "from " << height << " on, block " << n + 1;
    }
    EXPECT_TRUE(again.machine().cluster->contracts == members[0]->machine().cluster->contracts);
  }
  // it was not about nothing
  for (const std::string kind : {"Event", "Log", "MessageOutput", "succeeded", "reverted", "Contracts::OutOfGas", "Contracts::ContractTrapped", "Token::FundsUnavailable"}) EXPECT_GT(seen[kind], 0) << kind;
  EXPECT_GT(ever.size(), 9u);
  know_contracts();
  EXPECT_LT(traffic.contracts.size(), ever.size());   // some have ended
  EXPECT_GT(metric(*members[0], "phala_worker_hooks_total"), 20u);
  EXPECT_GT(metric(*members[0], "phala_worker_hooks_deferred_total"), 0u);
  for (const auto& member : members) EXPECT_GT(member->answered, 100);
  EXPECT_GT(members[2]->images.found, 40);                                   // it ran what it had compiled before it was restarted
  if (HasFailure())
    for (const auto& [kind, count] : seen) std::cout << kind << ": " << count << "\n";
}

}  // namespace
}  // namespace phala::worker
