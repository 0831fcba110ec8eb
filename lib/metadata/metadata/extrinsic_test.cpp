#include "metadata/extrinsic.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace phala::metadata {
namespace {

using nlohmann::json;

std::string golden(const std::string& name) {
  std::ifstream file(std::string(PHALA_SOURCE_DIR) + "/tests/golden/metadata/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}
const Metadata& chain() {
  static const Metadata metadata = [] {
    std::string hex = golden("metadata.hex");
    while (!hex.empty() && hex.back() == '\n') hex.pop_back();
    return *parse(*from_hex(hex));
  }();
  return metadata;
}

struct Golden { const char* name; const char* uri; crypto::Scheme scheme; u32 nonce; u128 tip; bool mortal; };

TEST(ExtrinsicTest, signs_as_the_published_client_does) {
  const json made = json::parse(golden("extrinsics.json"));
  const Golden cases[] = {{"sr25519 immortal", "//Alice", crypto::Scheme::sr25519, 0, 0, false},
                          {"ed25519 mortal with tip", "//Bob", crypto::Scheme::ed25519, 0, 12345, true},
                          {"ecdsa, payload over 256 bytes", "//Charlie", crypto::Scheme::ecdsa, 0, 0, true},
                          {"nested sudo", "//Alice", crypto::Scheme::sr25519, 1, 0, false}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Bytes theirs;
    for (const auto& one : made["signed"])
      if (one["name"] == c.name) theirs = *from_hex(one["extrinsic"].get<std::string>());
    const auto parts = split_extrinsic(theirs);
    ASSERT_TRUE(parts.has_value());
    const auto pair = *crypto::KeyPair::from_uri(c.uri, c.scheme);
    SigningContext context{101, 1, *Hash::from(*from_hex(made["genesisHash"].get<std::string>())), {}, {}, c.nonce, c.tip};
    context.birth_hash = c.mortal ? *Hash::from(*from_hex(made["blockHash"].get<std::string>())) : context.genesis_hash;
    if (c.mortal) context.era = Era::mortal(64, 5);
    const auto ours = sign_call(chain(), parts->call, pair, context);
    ASSERT_TRUE(ours.has_value()) << ours.error().text();
    if (c.scheme != crypto::Scheme::sr25519) {
      EXPECT_EQ(to_hex(*ours), to_hex(theirs));
      continue;
    }
    // sr25519 signatures differ each time; everything else, and what is signed, does not
    const auto again = split_extrinsic(*ours);
    ASSERT_TRUE(again.has_value());
    EXPECT_TRUE(again->signature->signer == parts->signature->signer);
    EXPECT_TRUE(again->signature->extra == parts->signature->extra);
    const Bytes payload = signing_payload(parts->call, parts->signature->extra, {101, 1, context.genesis_hash, context.birth_hash});
    EXPECT_TRUE(parts->signature->signature.verify(payload, pair.account()));
    EXPECT_TRUE(again->signature->signature.verify(payload, pair.account()));
  }
}

TEST(ExtrinsicTest, a_chain_with_an_unknown_extension_is_refused_by_name) {
  Metadata other = chain();
  other.extrinsic.signed_extensions.push_back({"CheckMetadataHash", {0}, {0}});
  const auto refused = sign_call(other, Bytes{0, 0}, *crypto::KeyPair::from_uri("//Alice"), {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("CheckMetadataHash"), std::string::npos);
}

TEST(ExtrinsicTest, encoded_arguments_become_a_call_only_when_they_are_exactly_its_arguments) {
  const Types types = types_of(chain());
  const json arguments{"0x7068616c61", "0xcafe"};
  const Bytes call = *encode_call(chain(), "PhalaMq", "push_message", arguments);
  const ByteView rest = ByteView(call).subspan(2);
  EXPECT_EQ(*call_with(chain(), types, "PhalaMq", "push_message", rest), call);
  EXPECT_FALSE(call_with(chain(), types, "PhalaMq", "push_message", rest.first(rest.size() - 1)));
  const auto longer = call_with(chain(), types, "PhalaMq", "push_message", concat(rest, Bytes{0}));
  ASSERT_FALSE(longer.has_value());
  EXPECT_NE(longer.error().message.find("1 bytes too many"), std::string::npos);
  EXPECT_FALSE(call_with(chain(), types, "PhalaMq", "no_such_call", rest));
  EXPECT_FALSE(call_with(chain(), types, "NoSuchPallet", "push_message", rest));
}

}  // namespace
}  // namespace phala::metadata
