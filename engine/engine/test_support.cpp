#include "engine/test_support.hpp"

#include <wabt/binary-writer.h>
#include <wabt/feature.h>
#include <wabt/ir.h>
#include <wabt/stream.h>
#include <wabt/validator.h>
#include <wabt/wast-lexer.h>
#include <wabt/wast-parser.h>

#include <cstdio>
#include <cstdlib>

#include "crypto/sign.hpp"
#include "engine/host.hpp"

namespace phala::engine::test {

namespace {
[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::abort();
}
template <class T>
T must(Result<T> result) {
  if (!result) give_up(result.error().text());
  return std::move(*result);
}
}  // namespace

Bytes assemble(const std::string& wat) {
  wabt::Errors errors;
  auto lexer = wabt::WastLexer::CreateBufferLexer("test.wat", wat.data(), wat.size(), &errors);
  std::unique_ptr<wabt::Module> module;
  wabt::Features features;
  features.enable_tail_call();   // so that it can be refused
  wabt::WastParseOptions options(features);
  if (wabt::Failed(wabt::ParseWatModule(lexer.get(), &module, &errors, &options)))
    give_up("bad text: " + (errors.empty() ? std::string() : errors[0].message + " at line " + std::to_string(errors[0].loc.line)) + "\n" + wat);
  wabt::MemoryStream stream;
  wabt::WriteBinaryOptions how;
  how.canonicalize_lebs = true;
  if (wabt::Failed(wabt::WriteBinaryModule(&stream, module.get(), how))) give_up("cannot write " + wat);
  return stream.output_buffer().data;
}

std::string contract_text(const std::string& body) {
  std::string out = "(module\n";
  for (const auto& fn : host_functions()) {
    const std::string name = "$" + std::string(fn.module) + "." + std::string(fn.name);
    const size_t at = body.find(name);
    if (at == body.npos) continue;
    bool used = false;   // the name itself, not one that it begins
    for (size_t i = at; i != body.npos; i = body.find(name, i + 1)) {
      const char next = i + name.size() < body.size() ? body[i + name.size()] : ')';
      used |= !(std::isalnum(static_cast<unsigned char>(next)) || next == '_');
    }
    if (!used) continue;
    out += "(import \"" + std::string(fn.module) + "\" \"" + std::string(fn.name) + "\" (func " + name;
    for (const auto& one : fn.params()) out += one.kind() == WASM_I64 ? " (param i64)" : " (param i32)";
    if (fn.result) out += *fn.result == WASM_I64 ? " (result i64)" : " (result i32)";
    out += "))\n";
  }
  if (body.find("(memory ") == body.npos) out += "(import \"env\" \"memory\" (memory 2 16))\n";
  for (const std::string name : {"call", "deploy"})
    if (body.find("(export \"" + name + "\")") == body.npos) out += "(func (export \"" + name + "\"))\n";
  return out + body + ")\n";
}

std::string answering(const std::string& body) {
  return R"((func (export "call") (local $n i32) (local $end i32) (local $a i32) (local $b i32) (local $c i32) (local $l i64)
    (i32.store (i32.const 0xffc) (i32.const 0x1000))
    (call $seal0.input (i32.const 0x1000) (i32.const 0xffc))
    (local.set $n (i32.load (i32.const 0xffc)))
    (local.set $end (i32.const 0x2000))
)" + body + R"(
    (call $seal0.seal_return (i32.const 0) (i32.const 0x2000) (i32.sub (local.get $end) (i32.const 0x2000)))))";
}

std::string number_of(const std::string& expression) {
  return answering("(i32.store (i32.const 0x2000) " + expression + ") (local.set $end (i32.const 0x2004))");
}

std::string escaped(ByteView bytes) {
  std::string out;
  for (const u8 b : bytes) out += "\\" + to_hex(ByteView(&b, 1));
  return out;
}

Bytes wasm_of_contract_file(const std::string& json) {
  const size_t name = json.find("\"wasm\"");
  const size_t from = name == json.npos ? name : json.find("0x", name);
  if (from == json.npos) give_up("not a .contract file");
  return must(from_hex(std::string_view(json).substr(from, json.find('"', from) - from)));
}

AccountId account(u8 fill) {
  AccountId out;
  out.fill(fill);
  return out;
}

Engine& shared_engine() {
  static const std::unique_ptr<Engine> engine = must(Engine::create());
  return *engine;
}

Cluster::Cluster(Balance gas_price, Balance per_item, Balance per_byte) {
  config = {.cluster_id = Hash{}, .owner = alice, .gas_price = gas_price, .deposit_per_item = per_item, .deposit_per_byte = per_byte, .treasury = treasury};
  state.apply({{key::config(), scale::encode(config)}, {key::runtime_version(), scale::encode(runtime_version)}});
  for (const auto& who : {alice, bob}) state.apply(must(deposit(state, who, 1'000'000 * unit)));
  state.apply(must(deposit(state, treasury, 1)));
  Bytes seed(32, 7);
  secret = crypto::Sr25519Pair::from_seed(crypto::Seed(seed)).secret().clone();
  context = {.block_number = 1234, .now_ms = 1'700'000'000'123, .worker_pubkey = account(0xee).as<PublicKey>(), .cluster_secret = &secret};
}

Hash Cluster::upload(const Bytes& wasm, Determinism determinism) {
  auto uploaded = must(upload_code(shared_engine(), state, alice, wasm, determinism));
  state.apply(uploaded.diff);
  return uploaded.code_hash;
}

Outcome Cluster::instantiate(const Hash& code, Bytes input, Bytes salt, RunRequest run) {
  run.origin = run.origin == AccountId{} ? alice : run.origin;
  run.gas_limit = run.gas_limit == 0 ? max_gas_for_tests : run.gas_limit;
  auto outcome = must(engine::instantiate(shared_engine(), state, context, {run, code, std::move(input), std::move(salt)}));
  state.apply(outcome.diff);
  return outcome;
}

ContractId Cluster::deploy(const Bytes& wasm, Balance value, Bytes input) {
  auto outcome = instantiate(upload(wasm), std::move(input), scale::encode(salts++), {.value = value});
  if (!outcome.result.succeeded()) give_up("deploy: " + error_of(outcome));
  return *outcome.result.result->account_id;
}

Outcome Cluster::send(const ContractId& to, Bytes input, RunRequest run) {
  run.origin = run.origin == AccountId{} ? alice : run.origin;
  run.gas_limit = run.gas_limit == 0 ? max_gas_for_tests : run.gas_limit;
  auto outcome = must(call(shared_engine(), state, context, {run, to, std::move(input)}));
  state.apply(outcome.diff);
  return outcome;
}
Outcome Cluster::query(const ContractId& to, Bytes input, QueryEffects* effects) {
  return must(call(shared_engine(), state, context, {{.mode = Mode::query, .origin = alice, .gas_limit = 10'000'000'000'000, .effects = effects}, to, std::move(input)}));
}
Outcome Cluster::estimate(const ContractId& to, Bytes input) {
  return must(call(shared_engine(), state, context, {{.mode = Mode::estimating, .origin = alice, .gas_limit = 10'000'000'000'000}, to, std::move(input)}));
}

Balance Cluster::total() const {
  Balance sum = 0;
  const Bytes prefix{'b'};
  state.entries().for_each(prefix, [&](ByteView, ByteView value) {
    const auto one = scale::decode<Account>(value);
    sum += one->free + one->held;
    return true;
  });
  return sum;
}

Bytes data_of(const Outcome& outcome) {
  return outcome.result.result ? outcome.result.result->data : to_bytes("failed: " + error_of(outcome));
}
std::string error_of(const Outcome& outcome) {
  return outcome.result.result ? "" : to_string(outcome.result.result.error()) + ": " + outcome.reason;
}

}  // namespace phala::engine::test
