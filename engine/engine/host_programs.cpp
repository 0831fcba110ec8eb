#include "engine/host_programs.hpp"

#include "base/assert.hpp"

namespace phala::engine::test {

namespace {

/// What programs can do besides calling host functions.
const std::vector<std::pair<std::string, size_t>> instructions{
    {"(i32.store (i32.wrap_i64 (i64.load (local.get $at))) (i32.wrap_i64 (i64.load offset=8 (local.get $at))))", 2},
    {"(drop (memory.grow (i32.wrap_i64 (i64.load (local.get $at)))))", 1},
    {"(local.set $at (i32.add (i32.const 0x11f8) (i32.and (i32.wrap_i64 (i64.load (local.get $at))) (i32.const 0x3fff))))", 1},   // and past its argument
    {"(call $recurse)", 0},
    {"(unreachable)", 0},
};

std::vector<const HostFn*> callable() {
  std::vector<const HostFn*> out;
  for (const auto& fn : host_functions())
    if (fn.module != "phala") out.push_back(&fn);
  return out;
}
std::string name_of(const HostFn& fn) { return "$" + std::string(fn.module) + "." + std::string(fn.name); }

std::string invocation(const HostFn& fn) {
  std::string out = "(call " + name_of(fn);
  size_t offset = 0;
  for (const auto& parameter : fn.params()) {
    const std::string load = "(i64.load offset=" + std::to_string(offset) + " (local.get $at))";
    out += parameter.kind() == WASM_I64 ? load : "(i32.wrap_i64 " + load + ")";
    offset += 8;
  }
  out += ")";
  if (!fn.result) return out;
  return "(i64.store offset=0x800 (i32.and (local.get $count) (i32.const 0x1f8)) " + (*fn.result == WASM_I64 ? out : "(i64.extend_i32_u " + out + ")") + ")";
}

// where things lie in the runner's memory, besides its input
constexpr u64 capacities = 0x100, balances = 0x200, lists = 0x280, input = 0x1000, output = 0x8000, memory_end = 0x20000;
constexpr size_t input_limit = output - input;

}  // namespace

Bytes program_runner() {
  const auto functions = callable();
  std::vector<std::pair<std::string, size_t>> operations;
  for (const auto* fn : functions) operations.emplace_back(invocation(*fn), fn->params().size());
  operations.insert(operations.end(), instructions.begin(), instructions.end());
  std::string targets, opens, bodies;
  for (size_t i = 0; i < operations.size(); ++i) {
    targets += " " + std::to_string(i);
    opens += "(block ";
    const std::string next = "(local.set $at (i32.add (local.get $at) (i32.const " + std::to_string(8 * operations[i].second) + "))) (br $next)";
    bodies += ")" + operations[i].first + next;
  }
  const std::string run = R"((func $run (local $at i32) (local $end i32) (local $count i32) (local $op i32)
    (i32.store (i32.const 0xffc) (i32.const 0x7000)) (call $seal0.input (i32.const 0x1000) (i32.const 0xffc))
    (local.set $end (i32.add (i32.const 0x1000) (i32.load (i32.const 0xffc))))
    (local.set $at (i32.const 0x1200))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (local.set $op (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $count (i32.add (local.get $count) (i32.const 8)))
      )" + opens + "(br_table" + targets + " $done (local.get $op))" + bodies + R"())
    (call $seal0.seal_return (i32.const 0) (i32.const 0x800) (i32.const 0x200))))";
  std::string wat = contract_text(run + R"((func $recurse (call $recurse)) (func (export "call") (call $run)) (func (export "deploy") (call $run))
    (data (i32.const 0x100) "\00\04\00\00\00\00\00\00\ff\ff\ff\ff\20\00\00\00")
    (data (i32.const 0x210) "\01") (data (i32.const 0x221) "\01") (data (i32.const 0x230) "\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff")
    (data (i32.const 0x280) "\fe\ff\ff\ff\03\ff\ff\ff\ff") (data (i32.const 0x2a0) "\04") (data (i32.const 0x2c0) "\01\09"))");
  return assemble(wat);
}

HostPrograms::HostPrograms() {
  const Bytes wasm = program_runner();
  code = cluster.upload(wasm);
  runner = cluster.deploy(wasm, 1'000'000);
  other = cluster.deploy(wasm, 1'000);
  const auto small = contract("(func (export \"call\") (unreachable))");
  const auto trap = cluster.deploy(small);
  const auto relaxed = cluster.upload(contract("(func (drop (f32.const 1)))"), Determinism::relaxed);
  cluster.config.system_contract = other;
  cluster.state.apply({{key::config(), scale::encode(cluster.config)}});
  for (const Bytes& one : {to_bytes(runner), to_bytes(other), to_bytes(trap), to_bytes(alice), to_bytes(bob), to_bytes(code), to_bytes(cluster.state.contract(trap)->code_hash), to_bytes(relaxed)})
    append(header_, one);
  header_.resize(program_start - input);
}

u64 HostPrograms::argument(const Parameter& parameter, ByteView& choices) const {
  const auto byte = [&]() -> u64 {
    if (choices.empty()) return 0;
    const u8 first = choices[0];
    choices = choices.subspan(1);
    return first;
  };
  const auto word = [&] { return byte() | byte() << 8 | byte() << 16 | byte() << 24; };
  const auto pick = [&](std::initializer_list<u64> some) {
    const u64 choice = byte();
    return choice % (some.size() + 1) == some.size() ? word() : std::data(some)[choice % (some.size() + 1)];
  };
  constexpr u64 none = 0xffff'ffff;
  switch (parameter.role) {
    case Role::number32: return pick({0, 1, 2, 4, 8, 9, 15, 16, 20, 22, 24, none});   // flags, functions of the extension
    case Role::number64: return byte() % 2 ? word() : pick({0, 1, 1'000'000'000, ~u64{0}, ~u64{0} >> 1});
    case Role::pointer:
      if (parameter.written) return pick({output, output + 1, memory_end - parameter.bytes, memory_end - parameter.bytes + 1, none});
      if (parameter.bytes == 16) return pick({balances, balances + 16, balances + 32, balances + 48, memory_end - 16, memory_end - 15});
      return pick({input, input + 32, input + 64, input + 96, input + 128, input + 160, input + 192, input + 224, memory_end - parameter.bytes, memory_end - parameter.bytes + 1});
    case Role::in_ptr: return pick({input, program_start, program_start + 64, lists, lists + 0x20, lists + 0x40, output, 0x600, memory_end - 32, memory_end - 1, memory_end, none});
    case Role::in_len: return pick({0, 1, 2, 5, 9, 32, 33, 128, 129, 0x400, 0x6000, 0x10000, parameter.bytes, parameter.bytes + 1, 0x7fff'ffff, none});
    case Role::out_ptr: return pick({output, output, output + 0x400, input, memory_end - 4, none});
    case Role::out_len_ptr: return pick({capacities, capacities, capacities + 4, capacities + 8, capacities + 12, memory_end - 3, none});
    case Role::maybe_ptr: return pick({none, balances, balances + 16, input, program_start, lists, memory_end - 15});
    case Role::ignored: return byte();
  }
  return 0;
}

Bytes HostPrograms::program_of(ByteView choices) const {
  const auto functions = callable();
  Bytes out = header_;
  while (!choices.empty() && out.size() < input_limit / 2) {
    const u8 operation = static_cast<u8>(choices[0] % (functions.size() + instructions.size() + 1));
    choices = choices.subspan(1);
    out.push_back(operation);
    if (operation >= functions.size() + instructions.size()) break;
    if (operation < functions.size()) {
      for (const auto& parameter : functions[operation]->params()) append(out, scale::encode(argument(parameter, choices)));
    } else {
      for (size_t i = 0; i < instructions[operation - functions.size()].second; ++i) append(out, scale::encode(argument({Role::in_ptr}, choices)));
    }
  }
  append(out, choices.first(std::min(choices.size(), input_limit - std::min(input_limit, out.size()))));
  return out;
}

Outcome must_end_well(Engine& engine, const HostPrograms& programs, Mode mode, bool instantiates, const Bytes& program, u64 gas_limit) {
  const Cluster& cluster = programs.cluster;
  World world;
  const RunRequest run{.mode = mode, .origin = alice, .value = 3, .gas_limit = gas_limit, .effects = &world};
  auto ran = instantiates ? instantiate(engine, cluster.state, cluster.context, {run, programs.code, program, to_bytes("salt")})
                          : call(engine, cluster.state, cluster.context, {run, programs.runner, program});
  PHALA_ASSERT(ran);   // an engine failure would stop a worker
  const ContractResult& result = ran->result;
  if (!result.result) {
    const std::string name = to_string(result.result.error());
    PHALA_ASSERT(!name.empty() && name.find("unknown") == name.npos);
    PHALA_ASSERT(ran->reason != "native stack exhausted" && ran->reason != "engine failure" && ran->reason != "trapped");
  }
  PHALA_ASSERT(result.debug_message.size() <= 128 * 1024 && ran->effects.logs.size() <= 1024);
  PHALA_ASSERT(result.gas_consumed.ref_time.value <= result.gas_required.ref_time.value);
  if (mode != Mode::transaction) {
    PHALA_ASSERT(ran->diff.empty() && ran->effects.instantiated.empty() && ran->effects.ink_events.empty() && !ran->effects.event_block);
    return std::move(*ran);
  }
  PHALA_ASSERT(result.gas_required.ref_time.value <= gas_limit && world.touched == 0);
  Cluster after(cluster.config.gas_price, cluster.config.deposit_per_item, cluster.config.deposit_per_byte);
  after.state = cluster.state;
  after.state.apply(ran->diff);
  PHALA_ASSERT(after.total() == cluster.total());
  if (!result.succeeded())   // of a run that failed nothing is left but what its gas cost
    for (const auto& [key, value] : ran->diff) PHALA_ASSERT(key == key::account(alice) || key == key::account(treasury));
  return std::move(*ran);
}

}  // namespace phala::engine::test
