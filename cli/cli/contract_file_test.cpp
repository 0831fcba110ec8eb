#include "cli/contract_file.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/files.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;

const std::string flipper_path = std::string(PHALA_SOURCE_DIR) + "/tests/golden/contracts/flipper.contract";

TEST(ContractFile, a_real_one_is_read_whole) {
  const auto file = ContractFile::read(flipper_path);
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_EQ(file->name, "flipper");
  EXPECT_FALSE(file->wasm.empty());
  const auto* add = *file->message("incBy");
  EXPECT_EQ(file->message_of(add->selector), add);
  EXPECT_EQ(file->message_of(Bytes{0, 0, 0, 0}), nullptr);
  EXPECT_EQ(to_hex(*file->encode(*add, {"5"})), to_hex(add->selector) + "05000000");
  EXPECT_EQ(*file->decode_return(*add, *from_hex("000005000000")), (json{{"Ok", 5}}));
  EXPECT_EQ(*file->decode_return(*add, *from_hex("000100")), (json{{"Err", "Overflow"}}));
  const auto unread = file->decode_return(*add, *from_hex("0101"));
  ASSERT_FALSE(unread);
  EXPECT_NE(unread.error().message.find("could not read its input"), std::string::npos);
}

TEST(ContractFile, every_generation_of_ink_is_read) {
  struct Case { std::string file, layer; };   // from ink! 4 on an answer says first that the call was understood
  for (const auto& [name, layer] : {Case{"psp22_ink3", ""}, Case{"psp22", "00"}, Case{"psp22_ink5", "00"}}) {
    const auto file = ContractFile::read(std::string(PHALA_SOURCE_DIR) + "/tests/golden/contracts/" + name + ".contract");
    ASSERT_TRUE(file) << name << ": " << file.error().text();
    const auto* transfer = *file->message("PSP22::transfer");
    const std::string to(64, '1');
    EXPECT_EQ(to_hex(*file->encode(*transfer, {"0x" + to, "7", "0x"})), "db20f9f5" + to + "07" + std::string(30, '0') + "00") << name;
    EXPECT_EQ(*file->decode_return(*transfer, *from_hex(layer + "0101")), (json{{"Err", "InsufficientBalance"}})) << name;
    EXPECT_EQ(*file->decode_return(**file->message("PSP22Metadata::token_decimals"), *from_hex(layer + "0c")), json(12)) << name;
  }
}

TEST(ContractFile, errors_list_what_there_is) {
  const auto file = *ContractFile::read(flipper_path);
  const auto missing = file.message("flop");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().hint.find("flip"), std::string::npos);
  const auto few = file.encode(**file.message("inc_by"), {});
  ASSERT_FALSE(few);
  EXPECT_NE(few.error().text().find("takes 1 arguments, got 0 (they are by: u32"), std::string::npos) << few.error().text();
}

TEST(ContractFile, any_other_json_is_an_error) {
  const json whole = json::parse(as_text(*read_file(flipper_path)));
  for (const char* pointer : {"/source", "/source/hash", "/spec", "/types", "/spec/messages", "/spec/constructors", "/spec/messages/0/label", "/spec/messages/0/selector", "/spec/messages/0/args", "/types/0/type"})
    for (const json& wrong : {json(nullptr), json(5), json("x"), json::array({1})}) {
      json broken = whole;
      broken[json::json_pointer(pointer)] = wrong;
      if (std::string_view(pointer).ends_with("label") && wrong.is_string()) continue;
      EXPECT_FALSE(ContractFile::parse(broken.dump())) << pointer << " = " << wrong;
    }
  for (const char* text : {"", "{}", "[]", "{\"source\": 1}"}) EXPECT_FALSE(ContractFile::parse(text)) << text;
}

}  // namespace
}  // namespace phala::cli
