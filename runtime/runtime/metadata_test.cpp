#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "metadata/v14.hpp"
#include "runtime/runtime.hpp"

namespace phala::runtime {
namespace {

const char* golden_path = PHALA_SOURCE_DIR "/tests/golden/metadata/metadata.hex";

TEST(MetadataTest, is_what_clients_were_checked_against) {
  // tests/golden/metadata/check.mjs decodes this file with the published client. PHALA_UPDATE_GOLDEN=1 writes it anew; check it again then.
  if (std::getenv("PHALA_UPDATE_GOLDEN")) std::ofstream(golden_path) << to_hex0x(metadata()) << "\n";
  std::ifstream file(golden_path);
  std::string golden;
  file >> golden;
  EXPECT_TRUE(golden == to_hex0x(metadata())) << "metadata differs from " << golden_path;
}

TEST(MetadataTest, is_consistent_in_itself) {
  scale::Reader in(metadata());
  const auto m = scale::decode_from<metadata::Metadata>(in);
  ASSERT_TRUE(m.has_value());
  EXPECT_EQ(in.left(), 0u);
  for (size_t i = 0; i < m->types.size(); ++i) EXPECT_EQ(m->types[i].id.value, i);
  const auto exists = [&](u32 id) { return id < m->types.size(); };
  for (const auto& pallet : m->pallets) {
    if (pallet.storage)
      for (const auto& entry : pallet.storage->entries)
        if (const auto* map = entry.type.get_if<metadata::MapEntry>()) EXPECT_TRUE(exists(map->key) && exists(map->value)) << entry.name;
    for (const auto& constant : pallet.constants) EXPECT_FALSE(constant.value.empty()) << constant.name;
  }
}

TEST(MetadataTest, version_names_apis_by_hash) {
  EXPECT_EQ(to_hex(version().apis[0].first), "df6acb689907609b");
  EXPECT_EQ(to_hex(version().apis.back().first), "3e43e696bccaa34a");
}

}  // namespace
}  // namespace phala::runtime
