#include "engine/module.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "engine/test_support.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

std::string refusal(const Bytes& wasm, Determinism determinism = Determinism::enforced) {
  const auto checked = check_and_rewrite(wasm, determinism);
  return checked ? "" : checked.error().message;
}
/// Where in the code what is refused begins, as the refusal says.
std::optional<size_t> place_in(const std::string& refusal) {
  const size_t at = refusal.rfind("at offset 0x");
  return at == refusal.npos ? std::nullopt : std::optional<size_t>(std::stoul(refusal.substr(at + 12), nullptr, 16));
}
/// Why a whole module's text is refused.
std::string refused(const std::string& wat, Determinism determinism = Determinism::enforced) { return refusal(assemble(wat), determinism); }

const std::string memory = "(import \"env\" \"memory\" (memory 2 16))";
const std::string exports = "(func (export \"call\")) (func (export \"deploy\"))";
std::string module_of(const std::string& fields) { return "(module " + memory + fields + exports + ")"; }
void append_leb(Bytes& to, u32 value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<u8>(value | 0x80));
  to.push_back(static_cast<u8>(value));
}

}  // namespace

TEST(ModuleTest, the_smallest_contract_passes_and_has_its_own_memory) {
  const Bytes wasm = assemble(module_of(""));
  const auto checked = check_and_rewrite(wasm, Determinism::enforced);
  ASSERT_TRUE(checked) << checked.error().text();
  EXPECT_EQ(checked->code_bytes, wasm.size());
  EXPECT_EQ(as_text(checked->rewritten).find("env"), std::string_view::npos);
  EXPECT_NE(as_text(checked->rewritten).find("memory_grow"), std::string_view::npos);
}

TEST(ModuleTest, the_shape_of_a_contract_is_enforced) {
  EXPECT_EQ(refused("(module " + exports + ")"), "contract code: it has no memory: contracts import env.memory");
  // of what can be pointed at, the place is said: see what_is_refused_is_pointed_at
  const auto refused = [](const std::string& wat) {
    const std::string text = ::refused(wat);
    return text.substr(0, text.find("; at offset 0x"));
  };
  EXPECT_EQ(refused("(module (memory 1)" + exports + ")"), "contract code: it defines a memory: contracts import env.memory");
  EXPECT_EQ(refused("(module (import \"env\" \"mem\" (memory 1))" + exports + ")"), "contract code: it imports memory env.mem: only env.memory exists");
  EXPECT_EQ(refused("(module (import \"env\" \"memory\" (memory 1 65))" + exports + ")"), "contract code: memory of 1 to 65 pages; at most 64 are allowed");
  EXPECT_EQ(refused("(module (import \"env\" \"memory\" (memory 65))" + exports + ")"), "contract code: memory of 65 to 64 pages; at most 64 are allowed");
  EXPECT_EQ(refused("(module (import \"env\" \"memory\" (memory 1))" + exports + ")"), "");
  EXPECT_EQ(refused("(module (import \"env\" \"g\" (global i32))" + memory + exports + ")"), "contract code: it imports env.g, which is neither a function nor env.memory");
  EXPECT_EQ(refused("(module (import \"seal3\" \"f\" (func))" + memory + exports + ")"), "contract code: it imports function seal3.f: there is no such module");
  EXPECT_EQ(refused("(module (import \"phala\" \"stack_limit\" (func))" + memory + exports + ")"),
            "contract code: it imports function phala.stack_limit: there is no such module");
  EXPECT_EQ(refused("(module " + memory + "(func (export \"call\")))"), "contract code: it must export both functions call and deploy");
  EXPECT_EQ(refused(module_of("(func (export \"main\"))")), "contract code: it exports \"main\": only the functions call and deploy may be exported");
  EXPECT_EQ(refused(module_of("(global $g (export \"g\") i32 (i32.const 0))")), "contract code: it exports \"g\": only the functions call and deploy may be exported");
  EXPECT_EQ(refused("(module " + memory + "(func (export \"call\") (param i32)) (func (export \"deploy\")))"),
            "contract code: its export call takes arguments or returns more than a number");
  EXPECT_EQ(refused("(module " + memory + "(func (export \"call\") (result i32) (i32.const 3)) (func (export \"deploy\")))"), "");
  EXPECT_EQ(refused("(module (import \"seal0\" \"f\" (func $f)) " + memory + "(export \"call\" (func $f)) (func (export \"deploy\")))"),
            "contract code: its export call is an imported function");
}

TEST(ModuleTest, floats_are_refused_by_instruction_and_offset_unless_relaxed) {
  const std::string wat = module_of("(func (drop (i32.trunc_f32_s (f32.const 1))))");
  const Bytes wasm = assemble(wat);
  const auto checked = check_and_rewrite(wasm, Determinism::enforced);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::invalid_input);
  EXPECT_NE(checked.error().message.find("instruction F32Const at offset 0x"), std::string::npos) << checked.error().message;
  EXPECT_FALSE(checked.error().hint.empty());
  EXPECT_EQ(refused(wat, Determinism::relaxed), "");
  EXPECT_NE(refused(module_of("(func (param f64))")).find("floating-point"), std::string::npos);
}

TEST(ModuleTest, what_is_refused_is_pointed_at) {
  const auto many = [](const std::string& text, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += text;
    return out;
  };
  struct Row { std::string wat, says; Bytes found; };   // what the code has at the place that is named
  const std::string table = "(type $t (func)) (table 1 funcref) ";
  const std::vector<Row> rows{
      {module_of("(func (drop (i64.const 77)) (drop (f32.const 1)))"), "instruction F32Const", {0x43}},
      {module_of("(func (param i32) (drop (f64.convert_i32_s (local.get 0))))"), "instruction F64ConvertI32S", {0xb7}},
      {module_of("(func (f32.store (i32.const 0) (f32.load (i32.const 0))))"), "instruction F32Load", {0x2a}},
      {module_of("(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)))"), "instruction MemoryFill", {0xfc, 0x0b}},
      {module_of("(func (memory.copy (i32.const 0) (i32.const 0) (i32.const 1)))"), "instruction MemoryCopy", {0xfc, 0x0a}},
      {module_of("(table 1 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 1))))"), "instruction RefNull", {0xd0}},
      {module_of("(table 1 funcref) (func (drop (table.size 0)))"), "instruction TableSize", {0xfc, 0x10}},
      {module_of("(func $f (return_call $f))"), "instruction ReturnCall", {0x12}},
      {module_of("(func (drop (i32.trunc_sat_f32_s (unreachable))))"), "instruction I32TruncSatF32S", {0xfc, 0x00}},
      {"(module (import \"env\" \"memory\" (memory 1 65))" + exports + ")", "memory of 1 to 65 pages; at most 64 are allowed", {3, 'e', 'n', 'v'}},
      {"(module (import \"env\" \"g\" (global i32))" + memory + exports + ")", "it imports env.g, which is neither a function nor env.memory", {3, 'e', 'n', 'v', 1, 'g'}},
      {"(module " + memory + "(import \"seal3\" \"f\" (func))" + exports + ")", "it imports function seal3.f: there is no such module", {5, 's', 'e', 'a', 'l', '3'}},
      {"(module " + memory + memory + exports + ")", "multiple memories", {}},
      {module_of("(func (export \"main\"))"), "it exports \"main\"", {4, 'm', 'a', 'i', 'n'}},
      {module_of("(table 20000 funcref)"), "a table of 20000 elements; at most 16384 are allowed", {0x70, 0x00, 0xa0, 0x9c, 0x01}},
      {module_of("(func) (func (local" + many(" i64", 2049) + "))"), "function 1 has 2049 locals and parameters; at most 2048 are allowed", {0x01, 0x81, 0x10, 0x7e}},
      {module_of("(func (block (br_table" + many(" 0", 600'000) + " (i32.const 0))))"), "instruction BrTable", {0x0e}},
      {module_of("(func " + many("nop\n", 524'289) + ")"), "instruction Nop", {0x01}},
      {module_of("(data (i32.const 0) \"" + std::string(100, 'x') + "\") (func " + many("nop\n", 524'288 - 9) + ")"), "too much code and data", {0x00, 0x41, 0x00, 0x0b, 100, 'x'}},
      {module_of(table + "(func " + many("(call_indirect (type $t) (i32.const 0))", 42'000) + ")"), "instruction CallIndirect", {0x11, 0x00}},
      {module_of("(func) (func " + many("(loop)", 4097) + ")"), "function 1: it has too many loops", {0x00, 0x03, 0x40, 0x0b}},
      {module_of("(func (local" + many(" i32", 2000) + ")" + many("(loop)", 251) + ")"), "function 0: its loops are too large", {0x01, 0xd0, 0x0f, 0x7f, 0x03}},
      {module_of("(func " + many("(i32.const 1) ", 20'000) + many("drop ", 20'000) + ")"), "function 0: its expressions are too large", {0x00, 0x41, 0x01}},
  };
  for (const auto& row : rows) {
    const Bytes wasm = assemble(row.wat);
    const std::string text = refusal(wasm);
    SCOPED_TRACE(text);
    EXPECT_NE(text.find(row.says), text.npos);
    const auto at = place_in(text);
    ASSERT_TRUE(at);
    ASSERT_LE(*at + row.found.size(), wasm.size());
    EXPECT_EQ(Bytes(wasm.begin() + static_cast<std::ptrdiff_t>(*at), wasm.begin() + static_cast<std::ptrdiff_t>(*at + row.found.size())), row.found);
  }
}

TEST(ModuleTest, features_beyond_the_first_version_are_refused) {
  EXPECT_EQ(refused(module_of("(func (drop (i32.extend8_s (i32.const 1))))")), "");
  EXPECT_NE(refused(module_of("(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)))")).find("instruction MemoryFill"), std::string::npos);
  EXPECT_NE(refused(module_of("(func (memory.copy (i32.const 0) (i32.const 0) (i32.const 1)))")).find("instruction MemoryCopy"), std::string::npos);
  EXPECT_NE(refused(module_of("(func (result i32 i32) (i32.const 0) (i32.const 0))")), "");
  EXPECT_NE(refused(module_of("(func (param externref))")), "");
  EXPECT_NE(refused(module_of("(func (drop (i32.trunc_sat_f32_s (f32.const 1))))"), Determinism::relaxed), "");
  EXPECT_NE(refused(module_of("(table 1 funcref) (table 1 funcref)")), "");
}

TEST(ModuleTest, limits_are_enforced_by_name) {
  Bytes padded = assemble(module_of(""));
  padded.push_back(0);   // a custom section of two mebibytes
  append_leb(padded, 2 * 1024 * 1024 + 2);
  padded.push_back(1);
  padded.push_back('x');
  padded.resize(padded.size() + 2 * 1024 * 1024);
  EXPECT_NE(refusal(padded).find("at most 2097152 are allowed"), std::string::npos);
  EXPECT_NE(refused(module_of("(table 20000 funcref)")).find("a table of 20000 elements"), std::string::npos);
  std::string many_locals = "(func (local";
  for (int i = 0; i < 2049; ++i) many_locals += " i32";
  EXPECT_NE(refused(module_of(many_locals + "))")).find("2049 locals and parameters"), std::string::npos);
  std::string nops = "(func ";
  for (int i = 0; i < 530'000; ++i) nops += "nop\n";
  EXPECT_NE(refused(module_of(nops + ")")).find("too much code and data"), std::string::npos);
}

TEST(ModuleTest, a_huge_br_table_counts_as_that_many_instructions) {
  std::string table = "(func (block (br_table";
  for (int i = 0; i < 600'000; ++i) table += " 0";
  EXPECT_NE(refused(module_of(table + " (i32.const 0))))")).find("too much code and data"), std::string::npos);
}

TEST(ModuleTest, what_makes_the_compiler_slow_is_refused_and_what_passes_compiles_in_seconds) {
  std::string branches = "(func (param $x i32)" ;
  std::string locals = "(local";
  for (int i = 0; i < 2000; ++i) locals += " i32";
  branches += locals + ")";
  for (int i = 0; i < 5000; ++i) branches += "(if (local.get $x) (then (local.set " + std::to_string(i % 2000 + 1) + " (local.get $x))))";
  EXPECT_NE(refused(module_of(branches + ")")).find("locals times branches"), std::string::npos);
  std::string operands = "(func ";
  for (int i = 0; i < 20'000; ++i) operands += "(i32.const 1) ";
  for (int i = 0; i < 20'000; ++i) operands += "drop ";
  EXPECT_NE(refused(module_of(operands + ")")).find("operands held at once"), std::string::npos);

  // the largest of each kind that passes
  std::string wide;
  for (int f = 0; f < 2; ++f) {
    wide += "(func (param $x i32)" + locals + ")";
    for (int i = 0; i < 1900; ++i) wide += "(if (local.get $x) (then (local.set " + std::to_string(i % 2000 + 1) + " (local.get $x))))";
    wide += ")";
  }
  std::string straight;
  for (int f = 0; f < 34; ++f) {
    straight += "(func (param $x i64) (result i64) (local.get $x)";
    for (int i = 0; i < 3000; ++i) straight += "(i64.mul (i64.const " + std::to_string(i * 2 + 1) + ")) (local.get $x) i64.xor ";
    straight += ")";
  }
  for (const auto& fields : {wide, straight}) {
    const auto code = check_and_rewrite(assemble(module_of(fields)), Determinism::enforced);
    ASSERT_TRUE(code) << code.error().text();
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(shared_engine().prepare(*code));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));   // a bomb takes minutes
  }
}

TEST(ModuleTest, every_limit_that_keeps_compiling_short_has_its_name) {
  const auto repeated = [](const std::string& text, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += text;
    return out;
  };
  std::string locals = "(local";
  for (int i = 0; i < 2000; ++i) locals += " i32";
  const std::string loops = repeated("(loop)", 251);
  EXPECT_NE(refused(module_of("(func " + locals + ")" + loops + ")")).find("locals times loops, summed over all functions, may be 500000 at most"), std::string::npos);
  EXPECT_NE(refused(module_of("(func " + repeated("(loop)", 4097) + ")")).find("too many loops"), std::string::npos);
  EXPECT_EQ(refused(module_of("(func " + repeated("(loop)", 4096) + ")")), "");
  const std::string table = "(type $t (func)) (table 1 funcref) ";
  EXPECT_NE(refused(module_of(table + "(func " + repeated("(call_indirect (type $t) (i32.const 0))", 42'000) + ")")).find("their work may be 1048576 at most"), std::string::npos);
  std::string imports;
  for (int i = 0; i < 1025; ++i) imports += "(import \"seal0\" \"caller\" (func (param i32 i32)))";
  EXPECT_TRUE(refused("(module " + imports + memory + exports + ")").starts_with("contract code: it imports more than 1024 functions; at offset 0x"));
}

TEST(ModuleTest, the_largest_of_each_thing_that_passes_can_be_run) {
  // types are named: the assembler looks through all of them for one that is only described
  std::string imports, functions, elements, globals, types = "(type $none (func)) (type $two (func (param i32 i32)))";
  for (int i = 0; i < 1000; ++i) imports += "(import \"seal0\" \"caller\" (func (type $two)))";
  for (int i = 0; i < 16'000; ++i) functions += "(func (type $none))";
  for (int i = 0; i < 16'000; ++i) elements += "(elem (i32.const " + std::to_string(i) + ") func " + std::to_string(1000 + i) + ")";
  for (int i = 0; i < 4'000; ++i) globals += "(global i64 (i64.const 1))";
  for (int i = 0; i < 60'000; ++i) types += "(type (func (param i64)))";
  Cluster cluster;
  for (const auto& fields : {types + imports + memory + "(table 16384 funcref)" + globals + elements + functions + exports, memory + exports}) {
    const auto id = cluster.deploy(assemble("(module " + fields + ")"));
    EXPECT_EQ(error_of(cluster.send(id, {}, {.gas_limit = 2'000'000'000'000})), "");
  }
}

TEST(ModuleTest, bytes_that_are_no_module_are_refused) {
  EXPECT_NE(refusal({}), "");
  EXPECT_NE(refusal(to_bytes("\0asm")), "");
  Bytes wasm = assemble(contract_text(answering("(nop)")));
  ASSERT_EQ(refusal(wasm), "");
  for (size_t n = 0; n < wasm.size(); ++n) EXPECT_NE(refusal(Bytes(wasm.begin(), wasm.begin() + static_cast<std::ptrdiff_t>(n))), "") << n;
  for (size_t i = 0; i < wasm.size(); ++i)
    for (const u8 bit : {1, 0x10, 0x80}) {   // no crash, whatever the answer
      Bytes bent = wasm;
      bent[i] ^= bit;
      static_cast<void>(check_and_rewrite(bent, Determinism::enforced).has_value());
    }
}

TEST(ModuleTest, imports_nobody_provides_are_refused_at_upload) {
  Cluster cluster;
  const auto upload = [&](const std::string& import) {
    return upload_code(shared_engine(), cluster.state, alice, assemble("(module (import " + import + ")" + memory + exports + ")"), Determinism::enforced);
  };
  const auto unknown = upload("\"seal0\" \"mint_money\" (func)");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::invalid_input);
  EXPECT_NE(unknown.error().message.find("mint_money"), std::string::npos) << unknown.error().message;
  EXPECT_FALSE(upload("\"seal0\" \"caller\" (func (param i32))"));
  EXPECT_TRUE(upload("\"seal0\" \"seal_caller\" (func (param i32 i32))"));
  EXPECT_TRUE(upload("\"__unstable__\" \"caller\" (func (param i32 i32))"));
}

TEST(ModuleTest, returns_inside_blocks_loops_and_branches_keep_their_value_and_the_budget) {
  Cluster cluster;
  // $f leaves through return, br to the function's label, br_table and its end; a thousand calls must leave the budget as it was
  const auto id = cluster.deploy(answering(R"(
      (local.set $a (i32.const 3000))
      (loop $again
        (local.set $b (i32.add (local.get $b) (call $f (i32.rem_u (local.get $a) (i32.const 5)))))
        (br_if $again (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))
      (i32.store (i32.const 0x2000) (local.get $b))
      (local.set $end (i32.const 0x2004)))") + R"(
    (func $g (result i32) (i32.const 1))
    (func $f (param $x i32) (result i32)
      (if (i32.eqz (local.get $x)) (then (return (i32.add (call $g) (i32.const 9)))))
      (loop (if (i32.eq (local.get $x) (i32.const 1)) (then (br 2 (i32.const 20)))))
      (block (block
        (drop (block (result i32) (br_table 0 3 0 (i32.const 30) (i32.sub (local.get $x) (i32.const 2)))))
        (br_if 1 (i32.eq (local.get $x) (i32.const 4))))
        (return (i32.const 50)))
      (i32.const 40)))");
  // 0 → 10, 1 → 20, 2 → 50, 3 → 30, 4 → 40; 600 times each
  EXPECT_EQ(data_of(cluster.query(id)), scale::encode(u32{600 * (10 + 20 + 50 + 30 + 40)}));
}
